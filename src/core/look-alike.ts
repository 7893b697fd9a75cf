/** Letters of other scripts that readers take for ASCII ones. */

/** Pairs of a character and what it looks like: Cyrillic, Greek, Armenian, Cherokee letters, and marks. */
const PAIRS =
  'аaеeоoрpсcуyхxіiјjѕsԁdԛqԝwһhӏlьbгrпnтtкkмmвbнhАAВBЕEКKМMНHОOРPСCТTХXУYІIЈJЅSԌGЗ3б6' +
  'αaοoνvρpιiκkτtυuγyηnωwΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹCϲc' +
  'օoսuզqցgհhոnյjԼLՕOՍUԱU' +
  'ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎥiᎫJᏦKᏞLᎷMᏢPᏒRᏚSᎢTᏙVᎳWᏃZ' +
  'ıiɑaɡgʟLɩiƽ5ʋuᴏoᴄcᴠvᴡwᴢz' +
  '٠.۰.०oഠo੦o' +
  "⁄/∕/⧸/‐-‑-‒-–-—-−-․.‚,‛'‘'’'‹<›>ⅼlⅰi∣|ǀ|׀|։:꞉:∶:⁎*∗*‽?";

const LOOKS: ReadonlyMap<string, string> = new Map(pairsOf(PAIRS));
const ASCII = /^[ -~]+$/;

/** The ASCII text that this one character looks like, if any: by its compatibility form, or by its shape. */
export function latinLookOf(character: string): string | undefined {
  const known = LOOKS.get(character);
  if (known !== undefined) return known;
  const plain = character.normalize('NFKC');
  return plain !== character && ASCII.test(plain) ? plain : undefined;
}

function pairsOf(text: string): readonly (readonly [string, string])[] {
  const characters = [...text];
  return characters.flatMap((character, index) => (index % 2 === 0 ? [[character, characters[index + 1] ?? ''] as const] : []));
}

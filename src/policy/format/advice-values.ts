/** People write this for a value, and should write that instead: the help lines of `wrong-type` and `wrong-value`. */
import { WINDOW_UNITS, type WindowUnit } from '../../core/window.ts';
import { inline, inlineText } from './quote.ts';
import type { Advice } from './shape.ts';
import { type Node, textOf } from './tree.ts';

/** The first part of each of these names a window. */
const UNITS: readonly (readonly [RegExp, WindowUnit])[] = [
  [/^(?:s|secs?|seconds?)$/, 'second'],
  [/^(?:m|mins?|minutes?|minutely)$/, 'minute'],
  [/^(?:h|hrs?|hours?|hourly)$/, 'hour'],
  [/^(?:d|days?|daily)$/, 'day'],
  [/^(?:w|wks?|weeks?|weekly)$/, 'week'],
  [/^(?:mos?|months?|monthly)$/, 'month'],
];
const SECONDS: Readonly<Record<string, WindowUnit>> = { 1: 'second', 60: 'minute', 3600: 'hour', 86400: 'day' };
const LETTERS: Readonly<Record<WindowUnit, string>> = { second: 's', minute: 'm', hour: 'h', day: 'd', week: '', month: '' };
const WINDOWS = `windows are ${WINDOW_UNITS.slice(0, -1).join(', ')} and ${WINDOW_UNITS.at(-1)}`;

function unitOf(word: string): WindowUnit | undefined {
  return UNITS.find(([pattern]) => pattern.test(word.toLowerCase()))?.[1];
}

const RATE =
  /^\s*([\d_,]{1,12})\s*(?:x|calls?|times?|requests?)?\s*(?:\/|\bper\b|\ba\b|\ban\b|\beach\b|\bevery\b)\s*(?:1\s*)?([a-z]+)\s*$/i;

/** `10/min`, `10 per minute`, `10`. */
export const adviseRate: Advice = (node) => {
  if (node.kind === 'number') return `say per what: write ${node.source}/minute, ${node.source}/hour or ${node.source}/day`;
  if (node.kind === 'list') return 'give each limit a rule of its own';
  const [, count = '', word = ''] = RATE.exec(textOf(node) ?? '') ?? [];
  const unit = unitOf(word);
  if (unit) return `write ${Number(count.replace(/\D/g, ''))}/${unit}`;
  return node.kind === 'text' ? `write a whole number, "/" and a window; ${WINDOWS}` : undefined;
};

/** `1h`, `daily`, `60`. */
export const adviseWindow: Advice = (node) => {
  const unit = node.kind === 'number' ? SECONDS[node.source] : unitOf((textOf(node) ?? '').replace(/^1\s*/, ''));
  if (unit) return `write ${unit}`;
  return /^24\s*h|^86400/i.test(textOf(node) ?? '') ? 'write day' : WINDOWS;
};

const SPAN = /^\s*(\d{1,6}(?:\.\d{1,3})?)\s*([a-z]+)\s*$/i;
const IN_SECONDS = { second: 1, minute: 60, hour: 3_600, day: 86_400, week: 604_800, month: 2_592_000 } as const;

/** `15`, `15 minutes`, `1.5h`. */
export const adviseDuration: Advice = (node) => {
  const text = node.kind === 'number' ? node.source : (textOf(node) ?? '');
  if (/^\d{1,9}$/.test(text)) return `write ${text}m for minutes, ${text}s for seconds or ${text}h for hours`;
  if (/^\d+\s*(?:ms|milli)/i.test(text)) return 'the shortest is 1s';
  const [, count = '', word = ''] = SPAN.exec(text) ?? [];
  const unit = unitOf(word);
  return unit && `write ${spanOf(Number(count), unit)}`;
};

function spanOf(count: number, unit: WindowUnit): string {
  if (Number.isInteger(count) && LETTERS[unit] !== '') return `${count}${LETTERS[unit]}`;
  let left = Math.round(count * IN_SECONDS[unit]);
  const parts = (['day', 'hour', 'minute', 'second'] as const).map((each) => {
    const whole = Math.floor(left / IN_SECONDS[each]);
    left -= whole * IN_SECONDS[each];
    return whole === 0 ? '' : `${whole}${LETTERS[each]}`;
  });
  return parts.join('');
}

/** `"500"`, `$500`, `1,000`, `500 USD`. */
export const adviseNumber: Advice = (node) => {
  const text = textOf(node);
  if (text === undefined) return undefined;
  if (/^[\d.]+$/.test(text)) return 'remove the quotes';
  const [, digits] = /^[^\d.,-]{0,4}(-?\d[\d,_]*(?:\.\d+)?)\s*[^\d.,]{0,8}$/.exec(text) ?? [];
  return digits && `write ${digits.replace(/[,_]/g, '')}`;
};

const SIGNS: Readonly<Record<string, string>> = { $: 'usd', '€': 'eur', '£': 'gbp', '¥': 'jpy' };

/** `$`, `US dollars`. */
export const adviseCurrency: Advice = (node) => {
  const found = SIGNS[textOf(node) ?? ''];
  return found === undefined ? 'write its three letters, such as usd or eur' : `write ${found}`;
};

/** A list of texts that is written as one: `a`, or `a, b`. */
export const adviseNames: Advice = (node) => {
  const text = textOf(node);
  if (text !== undefined)
    return `write it as a list: [${text
      .split(/\s*,\s*/)
      .map(inlineText)
      .join(', ')}]`;
  return node.kind === 'map' ? `write it as a list: [${[...node.entries.keys()].slice(0, 3).map(inlineText).join(', ')}]` : undefined;
};

/** Words for which there is another, by the word that is meant. Truths count as their words. */
export function adviseWord(words: Readonly<Record<string, string>>): Advice {
  const meant = new Map(Object.entries(words).flatMap(([word, others]) => others.split(' ').map((other) => [other, word] as const)));
  return (node) => {
    const text = node.kind === 'boolean' ? String(node.value) : (textOf(node) ?? '').toLowerCase().replace(/[\s_-]+/g, '');
    const word = meant.get(text);
    return word && `write ${word}`;
  };
}

const DENIED = 'false no block blocked reject rejected refuse refused forbid forbidden disallow denyall denied none never off';
const ALLOWED = 'true yes permit permitted pass accept allowall allowed any always on';

export const adviseVerdict = adviseWord({ deny: DENIED, allow: ALLOWED });
export const adviseAction: Advice = (node) =>
  adviseWord({
    deny: DENIED,
    allow: ALLOWED,
    require_approval: 'approve approval approvals ask hold confirm confirmation human review prompt requireapproval needsapproval',
    'evaluate, or leave "action" away': 'check limit ratelimit enforce validate test',
    '"mode: shadow": the rule is recorded and never enforced': 'log audit warn monitor observe shadow',
  })(node);
export const adviseMode = adviseWord({
  shadow: 'dryrun monitor audit observe log report warn test simulate',
  enforce: 'enforced enforcing active block live',
});
export const adviseUnlisted = adviseWord({ hide: 'deny hidden false block', show: 'allow visible true list' });
export const advisePer: Advice = (node) => {
  const unit = unitOf(textOf(node) ?? '');
  if (unit) return `"per" says whose calls share one count; for the time write "window: ${unit}"`;
  return adviseWord({
    agent: 'user client caller person',
    policy: 'global all total tool server',
    session: 'connection',
    call: 'request fingerprint',
  })(node);
};
export const adviseUnit = adviseWord({ minor: 'cents cent pence penny', major: 'dollars dollar euros euro pounds' });

/** The name of a variable, and not its value. */
export const adviseVariable: Advice = (node) => {
  const name = (textOf(node) ?? '').replace(/^\$\{?|\}$/g, '');
  return /^[A-Za-z_]\w*$/.test(name) ? `write its name alone: ${name}` : 'write the name of the variable that holds it, not its value';
};

const TYPES: Readonly<Record<string, string>> = Object.fromEntries(
  'string number integer boolean array object null'.split(' ').map((type) => [type, type]),
);
const SHORT: Readonly<Record<string, string>> = {
  int: 'integer',
  float: 'number',
  bool: 'boolean',
  str: 'string',
  text: 'string',
  list: 'array',
};

/** `[USD, EUR]`, `number`, `USD` where a JSON Schema belongs. */
export const adviseSchema: Advice = (node) => {
  const text = textOf(node);
  const type = text === undefined ? undefined : (TYPES[text] ?? SHORT[text]);
  if (type) return `write {type: ${type}}`;
  if (node.kind === 'list') return `write {enum: ${inline(node)}}`;
  return node.kind === 'null' ? 'write true where any value will do' : `write {const: ${inline(node)}}`;
};

const KEYWORDS: Readonly<Record<string, string>> = {
  max: 'maximum',
  min: 'minimum',
  regex: 'pattern',
  values: 'enum',
  one_of: 'enum',
  length: 'maxLength',
};

/** Says what to write in an argument's schema instead of the keyword that ends the path, or of its value. */
export function adviseKeyword(path: readonly string[], value: Node): string | undefined {
  const keyword = path.at(-1) ?? '';
  if (keyword === 'required' && value.kind === 'boolean')
    return 'remove it: an argument with a schema must be present, unless it has "optional: true"';
  const short = keyword === 'type' ? SHORT[textOf(value) ?? ''] : KEYWORDS[keyword];
  return short && `write ${short}`;
}

/** A text or a list where a map belongs whose one key is meant: `spend: 50`, `notify: https://…`. */
export function adviseMap(key: string, takes: Node['kind']): Advice {
  return (node) => (node.kind === takes ? `write {${key}: ${inline(node)}}` : undefined);
}

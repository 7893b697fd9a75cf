/** Undo is the identity: on any valid file, wrapped and taken back, the bytes are those that were. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { locate } from '../../../src/setup/clients/edit.ts';
import { FORMATS } from '../../../src/setup/clients/format/formats.ts';
import { decodeText } from '../../../src/setup/clients/format/text.ts';
import { jsonText, valueIn } from '../../../src/setup/clients/format/tree.ts';
import type { Front, Rewrite } from '../../../src/setup/clients/types.ts';
import { planUnwrap, planUnwrapUnrecorded } from '../../../src/setup/clients/unwrap.ts';
import { planBridge, planWrap } from '../../../src/setup/clients/wrap.ts';
import { type OddFile, oddJson, oddToml, oddYaml } from './odd-files.ts';

const RUNS = Number(process.env.INTERCEPT_FILES ?? 60);
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

const FRONTS: readonly Front[] = [
  { program: '/opt/intercept', before: [], policy: '/home/me/p.yaml', agent: 'codex', env: {} },
  {
    program: "C:\\Users\\O'Neil\\intercept.exe",
    before: [],
    policy: 'C:\\p\\x y.yaml',
    agent: undefined,
    env: { INTERCEPT_HOME: 'D:\\h' },
  },
  { program: 'npx', before: ['-y', '@policylayer/intercept@1.2.3'], policy: '.intercept/x.yaml', agent: undefined, env: {} },
];

function rewriteOf(file: OddFile, text: string, front: Front): Rewrite {
  const plan = file.isRemote ? planBridge : planWrap;
  const rewrite = plan({ bytes: encode(text), format: file.format }, { name: 'x', at: file.at, shape: file.shape }, front);
  if (rewrite.kind !== 'rewrite') throw new Error(`${rewrite.why}: ${JSON.stringify(text)}`);
  return rewrite;
}

function backFrom(file: OddFile, text: string, { record }: Rewrite) {
  const back = planUnwrap({ bytes: encode(text), format: file.format }, JSON.parse(JSON.stringify(record)));
  if (back.kind !== 'unwrap') throw new Error(`${back.why}: ${JSON.stringify(text)}`);
  return { text: decode(back.bytes), certainty: back.certainty };
}

/** The entry's value, or the whole file's, as text. */
function valueText({ format, at }: OddFile, text: string): string | undefined {
  const found = locate(FORMATS[format].parse(decodeText(encode(text)).text), at);
  return found && jsonText(valueIn(found.entry));
}

function put(text: string, place: { readonly behind: string; readonly put: string }): string {
  const at = text.indexOf(place.behind);
  expect(at).toBeGreaterThanOrEqual(0);
  return text.slice(0, at + place.behind.length) + place.put + text.slice(at + place.behind.length);
}

function always(makeFile: (g: fc.GeneratorValue) => OddFile, holds: (file: OddFile, front: Front) => void): void {
  fc.assert(
    fc.property(fc.gen(), fc.constantFrom(...FRONTS), (g, front) => holds(makeFile(g), front)),
    { numRuns: RUNS },
  );
}

describe.each([
  ['JSON', oddJson],
  ['TOML', oddToml],
  ['YAML', oddYaml],
] as const)('%s', (_, makeFile) => {
  test('taken back, the bytes are the same; rewritten twice is rewritten once', () => {
    always(makeFile, (file, front) => {
      const rewrite = rewriteOf(file, file.text, front);
      const text = decode(rewrite.bytes);
      expect(backFrom(file, text, rewrite)).toEqual({ text: file.text, certainty: 'exact' });
      const again = (file.isRemote ? planBridge : planWrap)(
        { bytes: rewrite.bytes, format: file.format },
        { name: 'x', at: file.at, shape: file.shape },
        front,
      );
      expect(again.kind).toBe('nothing');
    });
  });

  test('every byte outside of the splices is as it was', () => {
    always(makeFile, (file, front) => {
      const rewrite = rewriteOf(file, file.text, front);
      const words = decodeText(encode(file.text)).text;
      const after = decodeText(rewrite.bytes).text;
      let [at, grown] = [0, 0];
      for (const { start, end, text } of rewrite.splices) {
        expect(after.slice(at + grown, start + grown)).toBe(words.slice(at, start));
        at = end;
        grown += text.length - (end - start);
      }
      expect(after.slice(at + grown)).toBe(words.slice(at));
    });
  });

  test("somebody's change elsewhere is kept, to the byte", () => {
    always(makeFile, (file, front) => {
      const { elsewhere } = file;
      if (!elsewhere) return;
      const rewrite = rewriteOf(file, file.text, front);
      expect(backFrom(file, put(decode(rewrite.bytes), elsewhere), rewrite)).toEqual({
        text: put(file.text, elsewhere),
        certainty: 'exact',
      });
    });
  });

  test("somebody's change in the entry is kept, and said", () => {
    always(makeFile, (file, front) => {
      const { inside } = file;
      if (!inside) return;
      const rewrite = rewriteOf(file, file.text, front);
      const back = backFrom(file, put(decode(rewrite.bytes), inside), rewrite);
      const wanted = put(file.text, inside);
      expect(back.certainty).toBe('changed');
      if (!file.isRemote && file.hasArgs && Object.keys(front.env).length === 0) expect(back.text).toBe(wanted);
      expect(sorted(valueText(file, back.text))).toEqual(sorted(valueText(file, wanted)));
    });
  });

  test('without a record, a wrapped command is what it was', () => {
    always(makeFile, (file, front) => {
      if (file.isRemote) return;
      const rewrite = rewriteOf(file, file.text, front);
      const back = planUnwrapUnrecorded({ bytes: rewrite.bytes, format: file.format }, { at: file.at, shape: file.shape });
      if (back.kind !== 'unwrap') throw new Error(back.why);
      if (file.hasArgs && Object.keys(front.env).length === 0) {
        expect(sorted(valueText(file, decode(back.bytes)))).toEqual(sorted(valueText(file, file.text)));
      }
    });
  });
});

/** Without the order of members: a member that comes back stands behind the command. */
function sorted(text: string | undefined): unknown {
  return JSON.parse(text ?? 'null');
}

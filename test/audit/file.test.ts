import { describe, expect, test } from 'bun:test';
import { createHash, createHmac } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { listEventFiles } from '../../src/audit/evidence/read.ts';
import { verifyChain } from '../../src/audit/evidence/verify.ts';
import { openKeyedHash } from '../../src/audit/key.ts';
import { openFileSink } from '../../src/audit/sinks/file.ts';
import { AuditError, type AuditSink, type CallEvent } from '../../src/core/audit.ts';
import { canonicalText } from '../../src/core/fingerprint.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { asJson, callOf, NOON, readEvents, withFolder, withSink } from './events.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (args: Record<string, unknown>) =>
  createHmac('sha256', new Uint8Array(32))
    .update(canonicalText(callOf(args).args))
    .digest('hex');
const options = { instance: 'i', clock: () => NOON, keyedHash: openKeyedHash(new Uint8Array(32)), args: 'redacted' } as const;
const ZEROS = '0'.repeat(64);

describe('records (cli.md §2)', () => {
  test('one of each type, byte for byte, chained', () =>
    withSink(({ sink, lines }) => {
      sink.write([{ type: 'startup', fields: { version: '0.1.0', upstream: 'node server.js', pid: 7, tags: ['a'], absent: undefined } }]);
      sink.use({ name: 'stripe', revision: '0123456789ab' });
      sink.write([
        callOf(
          { amount: 50000 },
          {
            result: 'denied',
            code: 'limit',
            rule: 'daily refund cap',
            message: 'Daily refund cap of $500.00 reached',
            agent: 'support',
            client: 'claude 1.0',
            session: 's1',
            requestId: '"7"',
            draws: [{ counter: 'create_refund.daily_total', amount: '50000' }],
            approval: 'apr_1',
            shadow: [{ result: 'approval_required', code: 'approval_required', rule: 'big ones' }],
          },
        ),
        { type: 'outcome', call: 'c1', result: 'kept', upstreamUs: 1500, error: 'upstream died' },
      ]);
      sink.write([{ type: 'shutdown', fields: {} }]);
      const [first = '', second = '', third = '', fourth] = lines();
      const common = (seq: number, type: string, prev: string) =>
        `{"ts":"2026-03-01T12:00:00.000Z","seq":${seq},"type":"${type}","instance":"i1","policy":"stripe","revision":"0123456789ab","prev":"${prev}"`;
      expect(first).toBe(
        `{"ts":"2026-03-01T12:00:00.000Z","seq":1,"type":"startup","instance":"i1","policy":null,"revision":null,"prev":"${ZEROS}","version":"0.1.0","upstream":"node server.js","pid":7,"tags":["a"]}`,
      );
      expect(second).toBe(
        `${common(2, 'tool_call', sha256(first))},"call":"c1","tool":"create_refund","result":"denied","code":"limit","rule":"daily refund cap","message":"Daily refund cap of $500.00 reached","args":{"amount":50000},"agent":"support","client":"claude 1.0","session":"s1","request_id":"7","duration_us":42,"draws":[{"counter":"create_refund.daily_total","amount":"50000"}],"approval":"apr_1","shadow":true,"would":[{"result":"approval_required","code":"approval_required","rule":"big ones"}]}`,
      );
      expect(third).toBe(`${common(3, 'outcome', sha256(second))},"call":"c1","result":"kept","upstream_us":1500,"error":"upstream died"}`);
      expect(fourth).toBe(`${common(4, 'shutdown', sha256(third))}}`);
    }));

  test('what a call does not have is left out', () =>
    withSink(({ sink, records }) => {
      sink.write([callOf({}, { argsText: '' })]);
      expect(Object.keys(records()[0] ?? {}).slice(7)).toEqual(['call', 'tool', 'result', 'args', 'duration_us']);
      expect(records()[0]?.args).toEqual({});
    }));

  test('a field named like a common one does not repeat its key', () =>
    withSink(({ sink, lines }) => {
      sink.write([{ type: 'config_reload', fields: { revision: 'new', seq: 9 } }]);
      expect(lines()[0]).toEndWith(',"event_revision":"new","event_seq":9}');
    }));

  test('files are 0600 in a folder 0700, and named by their start', () =>
    withSink(({ dir, sink, files }) => {
      sink.write([callOf({})]);
      expect(files()).toEqual(['2026-03-01T12-00-00.000Z-i1.jsonl']);
      expect(fs.statSync(dir).mode & 0o777).toBe(0o700);
      expect(fs.statSync(join(dir, files()[0] ?? '')).mode & 0o777).toBe(0o600);
    }));

  test('a file that was never written to is none', () =>
    withSink(({ sink, files }) => {
      expect(files()).toEqual([]);
      sink.write([]);
      sink.close();
      expect(files()).toEqual([]);
    }));

  test('a second sink of the same instant gets a file of its own; names cannot leave the folder', () =>
    withSink(({ dir, files }) => {
      for (const instance of ['i1', 'i1', '../../x']) {
        const sink = openFileSink({ ...options, dir, instance });
        sink.write([callOf({})]);
        sink.close();
      }
      expect(files()).toEqual([
        '2026-03-01T12-00-00.000Z-.._.._x.jsonl',
        '2026-03-01T12-00-00.000Z-i1.1.jsonl',
        '2026-03-01T12-00-00.000Z-i1.jsonl',
      ]);
    }));
});

describe('rotation', () => {
  const rotating = (test: (place: { dir: string; sink: AuditSink }) => void | Promise<void>) =>
    withFolder(async (dir) => {
      const sink = openFileSink({ ...options, dir, maxBytes: 3000 });
      try {
        await test({ dir, sink });
      } finally {
        sink.close();
      }
    });

  test('a file that would become too large is followed by the next number, with number and chain going on', () =>
    rotating(async ({ dir, sink }) => {
      for (let i = 1; i <= 120; i++) sink.write([callOf({ i }, { call: `c${i}` })]);
      const files = await listEventFiles(dir);
      expect(files.map((file) => basename(file).slice('2026-03-01T12-00-00.000Z-i'.length))).toEqual(
        ['', ...files.slice(1).map((_, i) => `.${i + 1}`)].map((number) => `${number}.jsonl`),
      );
      expect(files.length).toBeGreaterThan(10);
      for (const file of files) expect(fs.statSync(file).size).toBeLessThanOrEqual(3000);
      expect(await verifyChain(...files)).toMatchObject({ ok: true, begins: 1, records: 120, torn: false });
      expect((await readEvents(dir)).map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
      fs.rmSync(files[0] ?? '');
      const left = await verifyChain(...files.slice(1));
      if (!left.ok) throw new Error(left.why);
      expect(left.begins).toBeGreaterThan(1);
      expect(left.begins + left.records - 1).toBe(120);
      expect(await verifyChain(...files.slice(1, 3), ...files.slice(4))).toMatchObject({
        ok: false,
        file: files[4],
        why: `the file before it, ${JSON.stringify(basename(files[3] ?? ''))}, is missing`,
      });
    }));

  test('I3: where the next file cannot be made the write fails, leaves nothing, and works once it can', () =>
    rotating(async ({ dir, sink }) => {
      const write = (i: number) => sink.write([callOf({ i }, { call: `c${i}`, message: 'x'.repeat(1000) })]);
      write(1);
      write(2);
      const [first = ''] = await listEventFiles(dir);
      const inTheWay = Array.from({ length: 101 }, (_, i) => first.replace(/\.jsonl$/, `.${i + 1}.jsonl`));
      for (const file of inTheWay) fs.writeFileSync(file, '');
      for (let i = 0; i < 3; i++) expect(() => write(3)).toThrow(AuditError);
      for (const file of inTheWay) fs.rmSync(file);
      write(3);
      const files = await listEventFiles(dir);
      expect(files).toHaveLength(2);
      expect(await verifyChain(...files)).toMatchObject({ ok: true, records: 3 });
    }));
});

describe('floods', () => {
  const denied = (agentKey: string, more: Partial<CallEvent> = {}) => callOf({ note: 'x' }, { result: 'denied', agentKey, ...more });
  const withArgs = (records: readonly Record<string, unknown>[]) => records.filter((record) => 'args' in record).length;

  test('from one agent key, denials over 100 a minute are written without arguments; other agents and allowed calls are not', () =>
    withFolder((dir) => {
      let now = NOON;
      const sink = openFileSink({ ...options, dir, clock: () => now });
      const records = () =>
        fs.readdirSync(dir).flatMap((file) =>
          fs
            .readFileSync(join(dir, file), 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
      for (let i = 0; i < 150; i++) sink.write([denied('a')]);
      expect(withArgs(records())).toBe(100);
      expect(records().at(-1)).toMatchObject({ args_bytes: 12, args_hash: hmac({ note: 'x' }) });
      sink.write([denied('b'), callOf({}, { agentKey: 'a' })]);
      expect(withArgs(records())).toBe(102);
      now += 60_000;
      sink.write([denied('a')]);
      expect(withArgs(records())).toBe(103);
      sink.close();
    }));

  test('I11: invented credentials of one name are bounded together, and so is what is remembered', () =>
    withFolder((dir) => {
      const sink = openFileSink({ ...options, dir });
      sink.write(Array.from({ length: 5000 }, (_, i) => denied(`k${i}`, { agent: 'ann' })));
      const [file = ''] = fs.readdirSync(dir);
      const records = fs
        .readFileSync(join(dir, file), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(withArgs(records)).toBe(500);
      sink.close();
    }));
});

describe('arguments', () => {
  test('numbers, key order and escapes stay as they arrived', () =>
    withSink(({ sink, lines }) => {
      const argsText = '{"b":9007199254740993, "a":1.0,\r\n\t"c":"\\u0041\\/"}';
      sink.write([callOf({ b: 1, a: 1, c: 'A/' }, { argsText })]);
      expect(lines()[0]).toContain(',"args":{"b":9007199254740993, "a":1.0,   "c":"\\u0041\\/"},');
    }));

  test('equal arguments have equal hashes, however they are spelled', () =>
    withSink(({ sink, records }) => {
      const args = (number: string) => new Map([['amount', { number }]]);
      for (const number of ['1', '1.0', '1e0', '2']) sink.write([callOf({}, { args: args(number), argsText: `{"amount":${number}}` })]);
      const hashes = records().map((record) => record.args_hash);
      expect(new Set(hashes.slice(0, 3)).size).toBe(1);
      expect(hashes[3]).not.toBe(hashes[0]);
    }, 'hash'));

  test('what stands beside them is recorded like them: _meta, and what was entered', () =>
    withSink(({ sink, records }) => {
      const meta = {
        value: asJson({ 'example.com/account': 'ceo', password: 'hunter22' }) as JsonObject,
        text: '{"example.com/account":"ceo","password":"hunter22"}',
      };
      sink.write([callOf({}, { meta, inputs: '{"a":{"action":"accept"}}' }), callOf({})]);
      const [first, second] = records();
      expect(first).toMatchObject({ meta: { 'example.com/account': 'ceo' }, inputs: '{"a":{"action":"accept"}}' });
      expect(JSON.stringify(first)).not.toContain('hunter22');
      expect([second?.meta, second?.inputs]).toEqual([undefined, undefined]);
    }));

  test('with hashes alone, of that too', () =>
    withSink(({ sink, records }) => {
      sink.write([callOf({}, { meta: { value: asJson({ account: 'ceo' }) as JsonObject, text: '{"account":"ceo"}' }, inputs: '{"b":1}' })]);
      expect(Object.keys(records()[0] ?? {}).filter((key) => /meta|inputs/.test(key))).toEqual(['meta_hash', 'inputs_hash']);
    }, 'hash'));

  test('I12: padding in one member pushes no other one out: values are cut one by one, with length and hash', () =>
    withSink(({ sink, records, lines }) => {
      const paddings = ['x'.repeat(65_600), 'ü"'.repeat(40_000), Array(100_000).fill('x'), { a: { b: Array(9999).fill({ c: 1 }) } }];
      const query = 'DROP TABLE users';
      const all = paddings.flatMap((note) => [
        { note, query },
        { query, note },
        { note, deep: [{ query }], tail: note },
      ]);
      for (const args of all) sink.write([callOf(args)]);
      for (const [i, record] of records().entries()) {
        expect(JSON.stringify(record.args)).toContain(query);
        expect(record.cut).toBeGreaterThan(0);
        if (i < 6) expect(record.args_hash).toBe(hmac(all[i] ?? {}));
        expect(Buffer.byteLength(lines()[i] ?? '')).toBeLessThan(66_500);
      }
      const { note } = (records()[0]?.args ?? {}) as Record<string, string>;
      expect(note).toMatch(/^x{2000,}…\[cut, 65600 chars in all #[0-9a-f]{16}\]…x{2000,}$/);
      expect(note?.length).toBeLessThanOrEqual(4096);
    }));

  test('a secret that lies across a cut is not cut in two, whoever it belongs to', () =>
    withFolder((dir) => {
      const secret = 'p$$ of the operator';
      const sink = openFileSink({ ...options, dir, secrets: [secret] });
      const token = `Bearer ${'Ab1'.repeat(40)}`;
      for (let at = 1900; at < 2100; at += 7)
        for (const text of [token, secret])
          sink.write([callOf({ a: `${'-'.repeat(at)} ${text} ${'-'.repeat(9000)}`, b: `${'-'.repeat(9000)} ${text} ${'-'.repeat(at)}` })]);
      sink.close();
      const written = fs.readFileSync(join(dir, fs.readdirSync(dir)[0] ?? ''), 'utf8');
      expect(written).not.toMatch(/1Ab1|operator|p\$\$/);
    }));

  test('names that became alike do not hide each other', () =>
    withSink(({ sink, records }) => {
      const names = ['a', 'b', 'c'].map((letter) => `${letter.repeat(300)}${'x'.repeat(300)}${letter}`);
      sink.write([callOf(Object.fromEntries(names.map((name, i) => [name, i])))]);
      expect(Object.values(records()[0]?.args ?? {})).toEqual([0, 1, 2]);
    }));

  test('`hash` keeps the hash and the size alone, `full` masks nothing', async () => {
    await withSink(({ sink, records }) => {
      sink.write([callOf({ password: 'hunter22' })]);
      expect(records()[0]).not.toHaveProperty('args');
      expect(records()[0]).toMatchObject({ args_bytes: 23, args_hash: hmac({ password: 'hunter22' }) });
    }, 'hash');
    await withSink(({ sink, records }) => {
      sink.write([callOf({ password: 'hunter22' })]);
      expect(records()[0]?.args).toEqual({ password: 'hunter22' });
      expect(records()[0]).not.toHaveProperty('args_hash');
    }, 'full');
  });

  test('what was masked leaves its length and a keyed hash, and the record says how many parts there are', () =>
    withSink(({ sink, records }) => {
      sink.write([callOf({ password: 'hunter22', token: 'hunter22' })]);
      const { args, masked, args_hash } = records()[0] ?? {};
      const { password, token } = args as Record<string, string>;
      expect(password).toMatch(/^\[redacted 8 chars #[0-9a-f]{4}\]$/);
      expect([token, masked, args_hash]).toEqual([password, 2, hmac({ password: 'hunter22', token: 'hunter22' })]);
    }));

  test('any arguments round-trip through one line without unseen characters, in a valid chain', () =>
    withSink(async ({ dir, sink, files, records, lines }) => {
      const all = fc.sample(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' })), {
        numRuns: 120,
        seed: 7,
      });
      const calls = all.map((args) => callOf(args as Record<string, unknown>, { tool: Object.keys(args)[0] ?? '' }));
      sink.write(calls);
      const full = openFileSink({
        dir: `${dir}-full`,
        instance: 'f',
        clock: () => NOON,
        keyedHash: openKeyedHash(new Uint8Array(32)),
        args: 'full',
      });
      full.write(calls);
      full.close();
      const fullFile = join(`${dir}-full`, '2026-03-01T12-00-00.000Z-f.jsonl');
      const written = fs.readFileSync(fullFile, 'utf8').split('\n').slice(0, -1);
      expect(written.map((line) => JSON.parse(line).args)).toEqual(all.map((args) => JSON.parse(JSON.stringify(args))));
      expect(records).not.toThrow();
      for (const line of [...written, ...lines()]) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(await verifyChain(fullFile)).toMatchObject({ ok: true, records: all.length });
      expect(await verifyChain(join(dir, files()[0] ?? ''))).toMatchObject({ ok: true, records: all.length });
    }));
});

describe('faults (I3)', () => {
  test('a folder that cannot be made is an AuditError at construction', () =>
    withFolder((dir) => {
      const file = join(dir, 'file');
      fs.writeFileSync(file, '');
      const open = () =>
        openFileSink({
          dir: join(file, 'events'),
          instance: 'i',
          clock: () => NOON,
          keyedHash: openKeyedHash(new Uint8Array(32)),
          args: 'full',
        });
      expect(open).toThrow(AuditError);
    }));

  test('a folder removed while running is made again, and no acknowledged record goes to a deleted file', () =>
    withSink(async ({ dir, sink, files, records }) => {
      sink.write([callOf({})]);
      fs.rmSync(dir, { recursive: true });
      sink.write([callOf({}, { call: 'c2' })]);
      expect(records()).toMatchObject([{ seq: 2, call: 'c2', prev: ZEROS }]);
      expect(await verifyChain(join(dir, files()[0] ?? ''))).toMatchObject({ ok: true, records: 1 });
    }));

  test('where it cannot be made again each write fails, until it can', () =>
    withSink(({ dir, sink, records }) => {
      fs.rmSync(dir, { recursive: true });
      fs.writeFileSync(dir, 'in the way');
      for (let i = 0; i < 3; i++) expect(() => sink.write([callOf({})])).toThrow(AuditError);
      fs.rmSync(dir);
      sink.write([callOf({})]);
      expect(records()).toMatchObject([{ seq: 1 }]);
    }));

  test('an event that cannot be rendered is an AuditError and leaves no trace', () =>
    withSink(({ sink, records }) => {
      const circular = new Map<string, unknown>();
      circular.set('self', circular);
      expect(() => sink.write([callOf({}), callOf({}, { args: circular as never, argsText: '{"self":"\\u0073"}' })])).toThrow(AuditError);
      sink.write([callOf({})]);
      expect(records()).toMatchObject([{ seq: 1, prev: ZEROS }]);
    }));

  test('nothing is written after close', () =>
    withSink(({ sink, lines }) => {
      sink.close();
      expect(() => sink.write([callOf({})])).toThrow(AuditError);
      expect(lines()).toEqual([]);
    }));
});

test('I8: a record names the policy that judged, also after another one is in use', () =>
  withSink(({ sink, records }) => {
    const old = { name: 'stripe', revision: 'old' };
    sink.write([callOf({}, { policy: old })]);
    sink.use(old);
    sink.write([callOf({}, { policy: old })]);
    sink.use({ name: undefined, revision: 'new' });
    sink.write([callOf({}, { policy: old }), { type: 'approval_requested', policy: old, fields: {} }, callOf({})]);
    expect(records().map(({ policy, revision }) => [policy, revision])).toEqual([...Array(4).fill(['stripe', 'old']), [null, 'new']]);
  }));

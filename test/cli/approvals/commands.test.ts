/** `intercept approvals …` and `intercept idempotency …` on a store that nothing runs on (cli.md §3). */
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { HoldRequest } from '../../../src/core/approval.ts';
import type { Reservable } from '../../../src/core/store.ts';
import { operator } from '../../../src/process/operator.ts';
import { stateIn } from '../../../src/state/open.ts';
import { ROOT } from '../../harness/paths.ts';
import { claiming, EVIDENCE, held, reservationOf } from '../../state/calls.ts';
import { type Folder, openFolder } from '../run.ts';

/** Lets calls come to the store of a folder, as a proxy would. */
async function arrive(folder: Folder, ...calls: readonly Reservable[]) {
  const store = await stateIn(join(folder.path, 'home/state')).open({ namespace: 'shop' });
  try {
    return await store.reserve(calls);
  } finally {
    await store.close();
  }
}

async function hold(folder: Folder, fingerprint: string, more: Partial<HoldRequest> = {}): Promise<string> {
  const [verdict] = await arrive(folder, held(fingerprint, more));
  if (verdict?.kind !== 'hold' || !verdict.approval) throw new Error(`expected a hold, got ${verdict?.kind}`);
  return verdict.approval.id;
}

function records(folder: Folder): readonly Record<string, unknown>[] {
  const events = join(folder.path, 'home/events');
  return readdirSync(events).flatMap((name) =>
    readFileSync(join(events, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

describe('cli.md §3: approvals list', () => {
  test('says what waits, oldest first; --all what was decided too', async () => {
    using folder = openFolder();
    const first = await hold(folder, 'a', { tool: 'create_refund', args: '{"amount":52000}' });
    const second = await hold(folder, 'b');
    const { out, status } = await folder.run('approvals', 'list');
    expect(out.replace(/\d+s ago +1[45]m( \d+s)? +/g, '1s ago   15m   ').split('\n')).toEqual([
      'ID                    ASKED    LEFT  AGENT  TOOL                 RULE  ARGUMENTS',
      `${first}  1s ago   15m   anna   create_refund        ask   amount=52000`,
      `${second}  1s ago   15m   anna   cancel_subscription  ask   id="sub_1"`,
      '',
    ]);
    expect(status).toBe(0);
    await folder.run('approvals', 'deny', first);
    expect((await folder.run('approvals', 'list')).out).not.toContain(first);
    expect((await folder.run('approvals', 'list', '--all')).out).toContain(`denied by ${await operator()}`);
  });

  test('as many as there are, each whole with --json, as much as is shown without', async () => {
    using folder = openFolder();
    const args = (n: number) => JSON.stringify({ n, text: 'x'.repeat(1_000) });
    const more = (n: number) => held(`f${n}`, { maxPending: 1_000, args: args(n) });
    await arrive(folder, ...Array.from({ length: 450 }, (_, n) => more(n)));
    const numbers = (text: string) => [...text.matchAll(/\bn(?:=|":)(\d+)/g)].map((found) => Number(found[1]));
    const all = Array.from({ length: 450 }, (_, n) => n);
    const lines = (await folder.run('approvals', 'list')).out;
    expect(numbers(lines)).toEqual(all);
    expect(lines).not.toContain('x'.repeat(300));
    const printed = JSON.parse((await folder.run('approvals', 'list', '--json')).out) as { args: object }[];
    expect(printed.map((one) => JSON.stringify(one.args))).toEqual(all.map(args));
    expect(numbers((await folder.run('approvals', 'list', '--all')).out)).toEqual(all.toReversed());
  }, 60_000);

  test('where nothing is, it says so and makes nothing', async () => {
    using folder = openFolder();
    expect((await folder.run('approvals', 'list')).out).toContain('no proxy has run with it yet');
    expect((await folder.run('approvals', 'list', '--json')).out).toBe('[]\n');
    expect(readdirSync(folder.path)).toEqual([]);
    await arrive(folder, claiming('k'));
    expect((await folder.run('approvals', 'list')).out).toBe('nothing waits for approval\n');
  });

  test('--json keeps arguments exactly, and times absolute', async () => {
    using folder = openFolder();
    const id = await hold(folder, 'a', { args: '{"n": 9007199254740993, "m": 1.50}' });
    const { out } = await folder.run('approvals', 'list', '--json');
    expect(out).toContain('"args":{"n": 9007199254740993, "m": 1.50}');
    const [record] = JSON.parse(out);
    expect(record).toMatchObject({ id, state: 'pending', agent: 'anna', policy: 'stripe', overrides: ['the amount is at most 500'] });
    expect(new Date(record.expires_at).getTime() - new Date(record.created_at).getTime()).toBe(900_000);
  });

  test('a tool, a rule or an agent cannot forge a line', async () => {
    using folder = openFolder();
    await hold(folder, 'a', { tool: 'x\napr_aaaaaaaaaaaaaaaa  safe', agent: '\u001b[2Kroot', rule: '\u202e' });
    const { out } = await folder.run('approvals', 'list');
    expect(out.split('\n')).toHaveLength(3);
    for (const hidden of ['\u001b', '\u202e']) expect(out).not.toContain(hidden);
  });
});

describe('cli.md §3: ids may be shortened while unique', () => {
  test('with and without apr_; the longest common beginning is ambiguous and lists the records', async () => {
    using folder = openFolder();
    const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => hold(folder, `f${i}`, { maxPending: 99 })));
    const [id = ''] = ids;
    expect((await folder.run('approvals', 'show', id.slice(4))).out).toStartWith(id);
    // Of forty ids some begin alike: there are 32 letters.
    const letter = ids.map((one) => one[4] ?? '').find((one) => ids.filter((other) => other[4] === one).length > 1);
    const { status, err, out } = await folder.run('approvals', 'approve', `apr_${letter}`);
    expect(err).toMatch(/is the beginning of \d+ ids/);
    for (const other of ids.filter((one) => one[4] === letter).slice(0, 10)) expect(err).toContain(`  ${other}  cancel_subscription`);
    expect([status, out]).toEqual([1, '']);
    expect(JSON.parse((await folder.run('approvals', 'list', '--json')).out)).toHaveLength(40);
  }, 120_000);

  test('an id that nobody has', async () => {
    using folder = openFolder();
    for (const words of [
      ['show', 'apr_zzz'],
      ['approve', 'apr_zzz'],
      ['deny', '%'],
      ['show', ''],
    ] as const) {
      const { status, err } = await folder.run('approvals', ...words);
      expect(err).toContain(`there is no approval ${JSON.stringify(words[1])}`);
      expect(status).toBe(1);
    }
    await hold(folder, 'a');
    for (const id of ['%', '_', '*', 'apr_%']) expect((await folder.run('approvals', 'show', id)).status).toBe(1);
  });
});

describe('cli.md §3: approve and deny', () => {
  test('record who and why; the audit has it too', async () => {
    using folder = openFolder();
    const id = await hold(folder, 'a');
    const { status, out, err } = await folder.run('approvals', 'approve', id, '--as', 'ada', '--reason', 'checked', '--json');
    expect([status, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({ id, state: 'approved', decided_by: 'ada', reason: 'checked' });
    expect(records(folder)).toMatchObject([
      {
        type: 'approval_approved',
        approval: id,
        tool: 'cancel_subscription',
        agent: 'anna',
        rule: 'ask',
        by: 'ada',
        reason: 'checked',
        policy: 'stripe',
      },
    ]);
    const [verdict] = await arrive(folder, held('a'));
    expect(verdict?.kind).toBe('reserved');
  });

  test('the user of the operating system decides, unless --as says otherwise', async () => {
    using folder = openFolder();
    await folder.run('approvals', 'deny', await hold(folder, 'a'), '--reason', 'no');
    expect(records(folder)).toMatchObject([{ type: 'approval_denied', by: await operator(), reason: 'no' }]);
    const [verdict] = await arrive(folder, held('a'));
    expect(verdict).toMatchObject({ kind: 'approval_denied', reason: 'no' });
  });

  test('only once, and only while it is pending', async () => {
    using folder = openFolder();
    const id = await hold(folder, 'a');
    await folder.run('approvals', 'approve', id, '--as', 'ada');
    const again = await folder.run('approvals', 'deny', id);
    expect(again.err).toContain('cannot be decided any more: approved by ada');
    expect(again.status).toBe(1);
    const over = await hold(folder, 'b', { timeout: 1 });
    expect((await folder.run('approvals', 'approve', over)).err).toContain('expired');
  });

  test('what cannot be recorded is not approved; it can be denied', async () => {
    using folder = openFolder();
    const id = await hold(folder, 'a');
    writeFileSync(join(folder.path, 'home/events'), 'a file in the place of the folder');
    const approved = await folder.run('approvals', 'approve', id);
    expect(approved.status).toBe(1);
    expect(JSON.parse((await folder.run('approvals', 'list', '--json')).out)).toHaveLength(1);
    const denied = await folder.run('approvals', 'deny', id);
    expect(denied.err).toContain('denied without a record');
    expect(denied.status).toBe(0);
    rmSync(join(folder.path, 'home/events'));
  });
});

describe('cli.md §3: show and expire', () => {
  test('show prints every argument, what approving overrides and what was decided', async () => {
    using folder = openFolder();
    const args = JSON.stringify({ note: 'x'.repeat(5_000), to: 'a\u202eb' });
    const id = await hold(folder, 'a', { args, evidence: { ...EVIDENCE, client: undefined } });
    const { out } = await folder.run('approvals', 'show', id);
    expect(out.match(/x/g)?.length).toBeGreaterThanOrEqual(5_000);
    expect(out).toContain('a\\u202eb');
    expect(out).toContain('overrides   the amount is at most 500');
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    await folder.run('approvals', 'deny', id, '--as', 'ada', '--reason', 'too long');
    expect((await folder.run('approvals', 'show', id)).out).toMatch(/decided {5}denied by ada .*: too long/);
  });

  test('expire marks what is over, once, and records it', async () => {
    using folder = openFolder();
    const id = await hold(folder, 'a', { timeout: 1 });
    await hold(folder, 'b');
    expect(JSON.parse((await folder.run('approvals', 'expire', '--json')).out)).toMatchObject([{ id, state: 'expired' }]);
    expect((await folder.run('approvals', 'expire')).out).toBe('nothing was over\n');
    expect(records(folder)).toMatchObject([{ type: 'approval_expired', approval: id }]);
  });
});

describe('policy.md §12: protect', () => {
  test('from then on approve, deny, resolve and resume need the secret, and so does another secret', async () => {
    using folder = openFolder();
    const id = await hold(folder, 'a');
    folder.env.INTERCEPT_APPROVER_TOKEN = 'correct horse';
    expect(await folder.run('approvals', 'protect')).toMatchObject({ status: 0, err: '' });
    for (const [given, told] of [
      [undefined, 'deciding needs the approver secret'],
      ['battery staple', 'INTERCEPT_APPROVER_TOKEN is not the approver secret'],
    ] as const) {
      folder.env.INTERCEPT_APPROVER_TOKEN = given;
      for (const words of [
        ['approvals', 'approve', id],
        ['approvals', 'deny', id],
        ['approvals', 'protect'],
        ['idempotency', 'resolve', 'k', '--happened'],
        ['resume'],
      ]) {
        const { status, err } = await folder.run(...words);
        expect({ words, status, err }).toEqual({ words, status: 1, err: expect.stringContaining(told) });
      }
    }
    expect((await folder.run('approvals', 'list')).out).toContain(id);
    expect((await folder.run('pause')).status).toBe(1);
    folder.env.INTERCEPT_APPROVER_TOKEN = 'correct horse';
    expect((await folder.run('approvals', 'approve', id)).status).toBe(0);
    expect((await folder.run('resume')).out).toContain('resumed');
  }, 120_000);

  test('is taken away in the file, as its page says', async () => {
    const [, statement = ''] = /intercept\.sqlite "(UPDATE [^"]+)"/.exec(readFileSync(join(ROOT, 'docs/approvals.md'), 'utf8')) ?? [];
    using folder = openFolder();
    const id = await hold(folder, 'a');
    folder.env.INTERCEPT_APPROVER_TOKEN = 'correct horse';
    await folder.run('approvals', 'protect');
    await folder.run('pause');
    folder.env.INTERCEPT_APPROVER_TOKEN = undefined;
    const db = new DatabaseSync(join(folder.path, 'home/state/intercept.sqlite'));
    db.exec(statement);
    db.close();
    expect((await folder.run('approvals', 'approve', id)).status).toBe(0);
    expect((await folder.run('resume')).out).toContain('resumed');
  }, 120_000);

  test('the secret is nowhere in clear', async () => {
    using folder = openFolder();
    folder.env.INTERCEPT_APPROVER_TOKEN = 'correct horse';
    await folder.run('approvals', 'protect');
    for (const name of readdirSync(folder.path, { recursive: true, withFileTypes: true }))
      if (name.isFile()) expect(readFileSync(join(name.parentPath, name.name), 'latin1')).not.toContain('correct horse');
  }, 120_000);

  test('without a terminal and without the variable nothing is asked; a short one is refused', async () => {
    using folder = openFolder();
    folder.env.INTERCEPT_APPROVER_TOKEN = undefined;
    expect(await folder.run('approvals', 'protect')).toMatchObject({ status: 2 });
    folder.env.INTERCEPT_APPROVER_TOKEN = 'short';
    expect((await folder.run('approvals', 'protect')).err).toContain('shorter than 8');
  });
});

describe('policy.md §9: idempotency', () => {
  test('list shows what is in flight, done and unknown; resolve settles the unknown', async () => {
    using folder = openFolder();
    const store = await stateIn(join(folder.path, 'home/state')).open({ namespace: 'shop' });
    const [done, unknown] = await store.reserve([claiming('d'.repeat(64)), claiming('e'.repeat(64)), claiming('f'.repeat(64))]);
    await store.settle([
      { reservation: reservationOf(done), outcome: 'committed', result: '{}' },
      { reservation: reservationOf(unknown), outcome: 'kept' },
    ]);
    await store.close();
    const { out } = await folder.run('idempotency', 'list');
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^ {2}eeeeeeeeeeee {2}cancel_subscription {2}anna {2}outcome unknown, denied for 5m {2}\{"id":"sub_1"\}$/),
      expect.stringMatching(/ {2}anna {2}(in flight {23}\{"id":"sub_1"\}|done, kept for 5m)$/),
      expect.stringMatching(/ {2}anna {2}(in flight {23}\{"id":"sub_1"\}|done, kept for 5m)$/),
      '',
    ]);
    expect(JSON.parse((await folder.run('idempotency', 'list', '--json')).out)).toHaveLength(3);
    expect((await folder.run('idempotency', 'resolve', 'dddd', '--happened')).err).toContain('only an unknown outcome can be resolved');
    expect((await folder.run('idempotency', 'resolve', 'zz', '--happened')).err).toContain('there is no idempotent call "zz"');
    const resolved = await folder.run('idempotency', 'resolve', 'eee', '--did-not', '--as', 'ada');
    expect(resolved.out).toContain('it did not happen; it may be sent again');
    expect(resolved.status).toBe(0);
    const [again] = await arrive(folder, claiming('e'.repeat(64)));
    expect(again?.kind).toBe('reserved');
  });

  test('what happened is not sent again', async () => {
    using folder = openFolder();
    const store = await stateIn(join(folder.path, 'home/state')).open({ namespace: 'shop' });
    const [verdict] = await store.reserve([claiming('e'.repeat(64))]);
    await store.settle([{ reservation: reservationOf(verdict), outcome: 'kept' }]);
    await store.close();
    expect((await folder.run('idempotency', 'resolve', 'e', '--happened')).out).toContain('it happened; a repeat is denied for');
    expect((await arrive(folder, claiming('e'.repeat(64)))).map(({ kind }) => kind)).toEqual(['already_done']);
  });
});

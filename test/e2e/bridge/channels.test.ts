/** wire.md §2.9, §3: whichever way an answer takes, calls are judged, lists filtered, and what was reserved is settled. */
import { describe, expect, test } from 'bun:test';
import { decisionOf, textOf } from '../../harness/message.ts';
import { modern } from '../../harness/modern.ts';
import { startProgram } from '../../harness/program.ts';
import { startProxy } from '../../harness/proxy.ts';
import { setUpRecorder } from '../../harness/recorder.ts';

const POLICY = `
version: "1"
default: deny
hide: [secret]
tools:
  echo:
    rules:
      - {name: small, conditions: [{path: args.n, op: lte, value: 10}]}
      - {name: two, conditions: [{path: state.echo.calls, op: lte, value: 2}], state: {counter: calls, window: day}}
  secret: {rules: []}
`;
const TOOLS = ['echo', 'secret', 'unlisted'].map((name) => ({ name, inputSchema: { type: 'object' } }));
const PATIENCE = 60_000;

describe.each(['json', 'stream', 'get', 'resumed', 'legacy'] as const)('answers by %s', (channel) => {
  test(
    'calls are judged and counted, tools are hidden',
    async () => {
      await using recorder = await setUpRecorder({ channel, tools: TOOLS });
      await using server = await startProgram(recorder.httpCommand);
      await using proxy = await startProxy({ policy: POLICY, flags: ['--upstream', server.url] });
      const { client } = proxy;
      await client.initialize('2025-11-25');
      const { result } = await client.request('tools/list');
      expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['echo']);
      const call = (n: number) => client.request('tools/call', { name: 'echo', arguments: { n } });
      expect(decisionOf(await call(1))).toBeUndefined();
      expect(decisionOf(await call(11))).toMatchObject({ outcome: 'denied', rule: 'small' });
      expect(decisionOf(await call(2))).toBeUndefined();
      expect(decisionOf(await call(3))).toMatchObject({ outcome: 'denied', rule: 'two' });
      expect(textOf(await client.request('tools/call', { name: 'secret' }))).toContain('DENIED');
      expect((await recorder.executed()).map((call) => call.arguments)).toEqual([{ n: 1 }, { n: 2 }]);
      const outcomes = await proxy.untilRecords(
        'both outcomes',
        (records) => records.filter(({ type }) => type === 'outcome').length === 2,
      );
      expect(outcomes.filter(({ type }) => type === 'outcome').map(({ result: how }) => how)).toEqual(['committed', 'committed']);
      expect((await client.close()).code).toBe(0);
    },
    PATIENCE,
  );
});

test(
  '2026-07-28: the same without a session',
  async () => {
    await using recorder = await setUpRecorder({ channel: 'stream', tools: TOOLS, era: 'modern' });
    await using server = await startProgram(recorder.httpCommand);
    await using proxy = await startProxy({ policy: POLICY, flags: ['--upstream', server.url] });
    const { client } = proxy;
    const { result } = await client.request('tools/list', modern());
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['echo']);
    const answers = await Promise.all([1, 2, 3].map((n) => client.request('tools/call', modern({ name: 'echo', arguments: { n } }))));
    expect(answers.map((answer) => decisionOf(answer)?.rule).filter((rule) => rule !== undefined)).toEqual(['two']);
    expect(await recorder.executed()).toHaveLength(2);
  },
  PATIENCE,
);

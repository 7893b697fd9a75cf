import { expect, test } from 'bun:test';
import { teeSinks } from '../../src/audit/sinks/tee.ts';
import { AuditError, type AuditEvent, type AuditSink } from '../../src/core/audit.ts';
import { callOf } from './events.ts';

function sinkOf(seen: AuditEvent[], fails = false): AuditSink {
  const step = () => {
    if (fails) throw new AuditError('no');
  };
  return {
    write(events) {
      step();
      seen.push(...events);
    },
    use: step,
    close: step,
  };
}

test('every sink sees every event', () => {
  const [a, b]: [AuditEvent[], AuditEvent[]] = [[], []];
  const tee = teeSinks([sinkOf(a), sinkOf(b)]);
  tee.write([callOf({})]);
  tee.use({ name: 'p', revision: 'r' });
  tee.close();
  expect([a.length, b.length]).toEqual([1, 1]);
});

test('only the first decides (I3)', () => {
  const seen: AuditEvent[] = [];
  const tee = teeSinks([sinkOf(seen), sinkOf([], true)]);
  tee.write([callOf({})]);
  tee.use({ name: 'p', revision: 'r' });
  tee.close();
  expect(seen).toHaveLength(1);
});

test('what the first did not take is told only where it stopped a call', () => {
  const seen: AuditEvent[] = [];
  const tee = teeSinks([sinkOf([], true), sinkOf(seen)]);
  expect(() => tee.write([callOf({}), callOf({}, { result: 'denied' })])).toThrow(AuditError);
  expect(seen).toMatchObject([{ result: 'denied' }]);
});

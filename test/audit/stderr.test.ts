import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { openStderrSink, renderDecision } from '../../src/audit/sinks/stderr.ts';
import type { AuditEvent, CallEvent, PlainEvent } from '../../src/core/audit.ts';
import { callOf } from './events.ts';

const MASK = { keyedHash: () => '3f2a5c' };
const line = (args: Record<string, unknown>, more: Partial<CallEvent>) => renderDecision(callOf(args, more), 'redacted', MASK);

describe('decision lines (cli.md §2)', () => {
  test('are those of the published examples', () => {
    expect(line({ limit: 10 }, { tool: 'list_customers' })).toBe('[INTERCEPT] ALLOWED tool=list_customers args={"limit":10}');
    expect(line({ amount: 50000 }, { result: 'denied', rule: 'daily refund cap', code: 'limit' })).toBe(
      '[INTERCEPT] DENIED tool=create_refund rule="daily refund cap" args={"amount":50000}',
    );
    expect(
      line({ id: 'sub_1' }, { tool: 'cancel_subscription', result: 'approval_required', rule: 'require approval', approval: 'abc123' }),
    ).toBe('[INTERCEPT] HELD tool=cancel_subscription rule="require approval" id=abc123 args={"id":"sub_1"}');
  });

  test('who is known and why nothing is stand there, masked', () => {
    const more = {
      result: 'denied',
      rule: 'cap',
      code: 'indeterminate',
      agent: 'ada',
      why: 'it names "Bearer abcdefghijklmnopqrstuvwxyz0123456789"',
      isUnknown: true,
    } as const;
    expect(line({}, more)).toStartWith('[INTERCEPT] DENIED tool=create_refund agent=ada rule="cap" why="it names \\"Bearer [redacted ');
  });

  test('refused requests have a line, allowed ones none (policy.md §2)', () => {
    const lines: string[] = [];
    const sink = openStderrSink({ level: 'info', args: 'redacted', mask: MASK, write: { write: (text) => void lines.push(text) } });
    const request = (fields: PlainEvent['fields']) =>
      ({ type: 'request', fields: { from: 'agent', result: 'denied', ...fields } }) as const;
    sink.write([
      request({ method: 'resources/list', rule: '(methods)' }),
      request({ method: 'prompts/get', result: 'allowed' }),
      request({ method: 'sampling/createMessage', from: 'server', rule: '(methods)', agent: 'ada b' }),
      request({ method: 'a\nb', rule: '(paused)' }),
    ]);
    expect(lines).toEqual([
      '[INTERCEPT] DENIED method=resources/list',
      '[INTERCEPT] DENIED method=sampling/createMessage from=server agent="ada b"',
      '[INTERCEPT] DENIED method="a\\nb" rule="(paused)"',
    ]);
  });

  test('what a human decided by page or API has a line', () => {
    const lines: string[] = [];
    const sink = openStderrSink({ level: 'info', args: 'redacted', mask: MASK, write: { write: (text) => void lines.push(text) } });
    const fields = { approval: 'apr_1', tool: 'pay', agent: undefined, by: 'ada b', via: 'page' };
    sink.write([
      { type: 'approval_approved', fields },
      { type: 'approval_denied', fields: { ...fields, reason: 'not\nnow' } },
      { type: 'approval_expired', fields },
    ]);
    expect(lines).toEqual([
      '[INTERCEPT] APPROVED id=apr_1 tool=pay by="ada b" via=page',
      '[INTERCEPT] APPROVAL-DENIED id=apr_1 tool=pay by="ada b" via=page reason="not\\nnow"',
    ]);
  });

  test('a replay names its call', () => {
    expect(line({}, { result: 'replayed', call: 'c9' })).toBe('[INTERCEPT] REPLAYED tool=create_refund id=c9 args={}');
  });

  test('a denial without a rule names its code', () => {
    expect(line({}, { result: 'denied', code: 'state_error' })).toBe('[INTERCEPT] DENIED tool=create_refund code=state_error args={}');
  });

  test('what only shadow mode let pass shows as what would have stopped it, deny before hold (policy.md §10)', () => {
    const held = { result: 'approval_required', code: 'approval_required', rule: 'ask' } as const;
    const denied = { result: 'denied', code: 'rule', rule: 'cap' } as const;
    expect(line({}, { shadow: [held] })).toBe('[INTERCEPT] SHADOW-HELD tool=create_refund rule="ask" args={}');
    expect(line({}, { shadow: [held, denied] })).toBe('[INTERCEPT] SHADOW-DENIED tool=create_refund rule="cap" args={}');
    expect(line({}, { shadow: [denied], result: 'denied', rule: 'real' })).toStartWith('[INTERCEPT] DENIED tool=create_refund rule="real"');
    expect(line({}, { shadow: [] })).toStartWith('[INTERCEPT] ALLOWED');
  });

  test('arguments over 2 KiB are cut value by value, with their length', () => {
    const args = { body: 'x'.repeat(5000), more: Array(5000).fill('y'), query: 'DROP TABLE users' };
    const text = line(args, {});
    expect(text).toContain(`"body":"xxx`);
    expect(text).toContain('xxx…[cut, 5000 chars in all #3f2a5c]…xxx');
    expect(text).toContain('"query":"DROP TABLE users"');
    expect(text).toEndWith(` (${JSON.stringify(args).length} bytes)`);
    expect(text.length).toBeLessThan(2200);
  });

  test('`--audit-args` rules here too', () => {
    const call = callOf({ password: 'hunter22' });
    expect(renderDecision(call, 'redacted', MASK)).toEndWith(' args={"password":"[redacted 8 chars #3f2a]"}');
    expect(renderDecision(call, 'full', MASK)).toEndWith(' args={"password":"hunter22"}');
    expect(renderDecision(call, 'hash', MASK)).toBe('[INTERCEPT] ALLOWED tool=create_refund');
  });

  test('names that could pass for other fields are quoted', () => {
    for (const tool of ['a b', 'x args={}', 'x"', 'a=b', '', 'ü', 'a\nb', '[INTERCEPT]', 'x\\']) {
      expect(line({}, { tool })).toStartWith('[INTERCEPT] ALLOWED tool="');
    }
    expect(line({}, { tool: 'x\u202e\n[INTERCEPT] ALLOWED' })).toBe('[INTERCEPT] ALLOWED tool="x\\u202e\\n[INTERCEPT] ALLOWED" args={}');
  });

  test('no input makes a second line or shows an unseen character', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          ...'\n\r\t\u0000\u001b\u007f\u0085\u009b\u00ad\u200b\u200f\u202e\u2028\u2029\u2066\ufeff\u0600\ufff9\u{e0041}"\\ =',
        ),
        fc.string({ unit: 'binary', maxLength: 1 }),
      ),
    });
    const results = fc.constantFrom('allowed', 'denied', 'approval_required', 'replayed');
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.dictionary(text, fc.jsonValue({ stringUnit: 'binary' })),
        results,
        (tool, rule, id, args, result) => {
          const shadow = [{ result: 'denied', code: 'rule', rule } as const];
          const written = line(args as Record<string, unknown>, {
            tool,
            rule,
            approval: id,
            call: id,
            result: result as CallEvent['result'],
            shadow,
          });
          expect(written).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u);
          expect(written.match(/ (tool|rule|id|args)=/g)?.length).toBeGreaterThanOrEqual(2);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('decisions are of level info, outcomes of level debug', () => {
  const seen = (level: 'debug' | 'info' | 'warn') => {
    const lines: string[] = [];
    const events: AuditEvent[] = [
      callOf({}),
      { type: 'outcome', call: 'c1', result: 'kept', upstreamUs: 9, error: 'it\nbroke' },
      { type: 'heartbeat', fields: {} },
    ];
    openStderrSink({ level, args: 'redacted', mask: MASK, write: { write: (text) => lines.push(text) } }).write(events);
    return lines;
  };
  expect(seen('warn')).toEqual([]);
  expect(seen('info')).toHaveLength(1);
  expect(seen('debug')[1]).toBe('[INTERCEPT] DEBUG outcome call=c1 result=kept upstream_us=9 error="it\\nbroke"');
});

test('arguments that cannot be rendered cost the line its arguments, not the call', () => {
  const lines: string[] = [];
  const circular = new Map<string, unknown>();
  circular.set('self', circular);
  const sink = openStderrSink({ level: 'info', args: 'redacted', mask: MASK, write: { write: (text) => lines.push(text) } });
  sink.write([callOf({}, { args: circular as never, argsText: '{"self":"\\u0073"}' })]);
  expect(lines).toEqual(['[INTERCEPT] ALLOWED tool=create_refund']);
});

/** Decisions as people read them on stderr, one line each (cli.md §2). */
import type { AuditSink, CallEvent, OutcomeEvent, PlainEvent } from '../../core/audit.ts';
import { BY_METHODS } from '../../core/plan.ts';
import { escapeUnseen, renderName } from '../escape.ts';
import { type MaskOptions, maskText } from '../mask.ts';
import { type ArgsMode, renderArgs, type ShownBytes } from '../record.ts';
import type { LineWriter } from './line-writer.ts';
import { isSeen, type LogLevel } from './log.ts';

export interface StderrSinkOptions {
  readonly level: LogLevel;
  readonly args: ArgsMode;
  readonly mask: MaskOptions;
  readonly write: Pick<LineWriter, 'write'>;
}

const SHOWN: ShownBytes = { value: 512, all: 2048 };

/** Opens the sink for people. Nothing it does or fails at changes a call. */
export function openStderrSink(options: StderrSinkOptions): AuditSink {
  const decisions = isSeen(options.level, 'info');
  const outcomes = isSeen(options.level, 'debug');
  return {
    write(events) {
      for (const event of events) {
        if (decisions && event.type === 'tool_call') options.write.write(decisionLine(event as CallEvent, options.args, options.mask));
        else if (decisions && event.type === 'request' && 'fields' in event && event.fields.result === 'denied')
          options.write.write(renderRefused(event, options.args, options.mask));
        else if (decisions && 'fields' in event && DECIDED[event.type])
          options.write.write(renderDecided(event, options.args, options.mask));
        else if (outcomes && event.type === 'outcome') options.write.write(renderOutcome(event as OutcomeEvent));
      }
    },
    use() {},
    close() {},
  };
}

/** Records of what a human decided on the page or over the API. */
const DECIDED: Readonly<Record<string, string>> = { approval_approved: 'APPROVED', approval_denied: 'APPROVAL-DENIED' };

/** Renders what a human decided: `APPROVED id=apr_… tool=… by=ada`. */
function renderDecided({ type, fields }: PlainEvent, mode: ArgsMode, mask: MaskOptions): string {
  const part = (name: 'tool' | 'agent' | 'by' | 'via') => (fields[name] == null ? '' : ` ${name}=${renderName(String(fields[name]))}`);
  const reason = fields.reason ? ` reason=${whyText(String(fields.reason), mode, mask)}` : '';
  return `[INTERCEPT] ${DECIDED[type]} id=${renderName(String(fields.approval))}${part('tool')}${part('agent')}${part('by')}${part('via')}${reason}`;
}

/** Renders that a request, or a message in its place, was refused: `DENIED method=resources/list`. */
function renderRefused({ fields }: PlainEvent, mode: ArgsMode, mask: MaskOptions): string {
  const { method, from, rule, agent, message } = fields;
  return (
    `[INTERCEPT] DENIED method=${renderName(String(method ?? 'unknown').slice(0, MOST_METHOD))}` +
    (from === 'server' ? ' from=server' : '') +
    (agent === undefined ? '' : ` agent=${renderName(String(agent))}`) +
    (rule === undefined || rule === BY_METHODS ? '' : ` rule=${escapeUnseen(JSON.stringify(rule))}`) +
    (message === undefined ? '' : ` why=${whyText(String(message), mode, mask)}`)
  );
}

/** Characters of a method that are shown. */
const MOST_METHOD = 200;

function decisionLine(event: CallEvent, mode: ArgsMode, mask: MaskOptions): string {
  try {
    return renderDecision(event, mode, mask);
  } catch {
    // Arguments too deep to be walked; the audit file refuses the call, and says so.
    return renderDecision(event, 'hash', mask);
  }
}

/** One decision, in one line that holds nothing but what can be seen. */
export function renderDecision(event: CallEvent, mode: ArgsMode, mask: MaskOptions): string {
  const { word, rule } = verdictOf(event);
  const id =
    event.result === 'replayed' ? (event.approval ?? event.call) : event.result === 'approval_required' ? event.approval : undefined;
  const used = event.result === 'allowed' ? event.approval : undefined;
  const code = rule === undefined ? event.code : undefined;
  return (
    `[INTERCEPT] ${word} tool=${renderName(event.tool)}` +
    (event.agent === undefined ? '' : ` agent=${renderName(event.agent)}`) +
    (rule === undefined ? '' : ` rule=${escapeUnseen(JSON.stringify(rule))}`) +
    (code === undefined ? '' : ` code=${code}`) +
    (id === undefined ? '' : ` id=${renderName(id)}`) +
    (used === undefined ? '' : ` approval=${renderName(used)}`) +
    (event.isUnknown && event.why !== undefined ? ` why=${whyText(event.why, mode, mask)}` : '') +
    argsPart(event, mode, mask)
  );
}

/** SECURITY: INVARIANT I10: some reasons repeat what the agent sent. */
function whyText(why: string, mode: ArgsMode, mask: MaskOptions): string {
  return escapeUnseen(JSON.stringify(maskText(why, { ...mask, full: mode === 'full' }, SHOWN.value, { masked: 0, cut: 0 })));
}

/** SPEC: policy.md §10. A call that passed only because of shadow mode shows what would have stopped it: deny before hold. */
function verdictOf(event: CallEvent): { readonly word: string; readonly rule: string | undefined } {
  if (event.result === 'denied') return { word: 'DENIED', rule: event.rule };
  if (event.result === 'approval_required') return { word: 'HELD', rule: event.rule };
  if (event.result === 'replayed') return { word: 'REPLAYED', rule: undefined };
  const shadow = event.shadow?.find((verdict) => verdict.result === 'denied') ?? event.shadow?.[0];
  if (!shadow) return { word: 'ALLOWED', rule: undefined };
  return { word: shadow.result === 'denied' ? 'SHADOW-DENIED' : 'SHADOW-HELD', rule: shadow.rule };
}

function argsPart(event: CallEvent, mode: ArgsMode, mask: MaskOptions): string {
  const args = renderArgs(event, mode, mask, SHOWN);
  if (args === undefined) return '';
  return ` args=${escapeUnseen(args.text)}${args.cut === 0 ? '' : ` (${Buffer.byteLength(event.argsText)} bytes)`}`;
}

function renderOutcome(event: OutcomeEvent): string {
  const error = event.error === undefined ? '' : ` error=${escapeUnseen(JSON.stringify(event.error))}`;
  return `[INTERCEPT] DEBUG outcome call=${renderName(event.call)} result=${event.result} upstream_us=${event.upstreamUs}${error}`;
}

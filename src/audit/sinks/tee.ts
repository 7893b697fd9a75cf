/** Several sinks as one. */
import type { AuditEvent, AuditSink } from '../../core/audit.ts';

/** The first sink decides whether an event is recorded; the others may fail without anyone noticing. */
export function teeSinks(sinks: readonly AuditSink[]): AuditSink {
  const [first, ...others] = sinks;
  return {
    write(events) {
      try {
        first?.write(events);
      } catch (error) {
        // Nothing of this passes now, so only what says that a call was stopped is still true.
        tell(others, (sink) => sink.write(events.filter(isDenial)));
        throw error;
      }
      tell(others, (sink) => sink.write(events));
    },
    use: (policy) => tell(sinks, (sink) => sink.use(policy)),
    close: () => tell(sinks, (sink) => sink.close()),
  };
}

function isDenial(event: AuditEvent): boolean {
  return event.type === 'tool_call' && 'result' in event && event.result === 'denied';
}

function tell(sinks: readonly AuditSink[], step: (sink: AuditSink) => void): void {
  for (const sink of sinks) {
    try {
      step(sink);
    } catch {
      // What people read on stderr never decides over a call.
    }
  }
}

/** Several sinks as one. A file of its own, since it joins whatever sinks there are. */
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
        for (const sink of others) show(sink, events.filter(isDenial));
        throw error;
      }
      for (const sink of others) show(sink, events);
    },
    use: (policy) => ask(sinks, (sink) => sink.use(policy)),
    close: () => ask(sinks, (sink) => sink.close()),
  };
}

/** Shows events to people; a fault of stderr never decides over a call. */
function show(sink: AuditSink, events: readonly AuditEvent[]): void {
  try {
    sink.write(events);
  } catch {
    // The first sink has recorded it, or has thrown.
  }
}

function ask(sinks: readonly AuditSink[], step: (sink: AuditSink) => void): void {
  for (const sink of sinks) {
    try {
      step(sink);
    } catch {
      // One that fails keeps no other from it.
    }
  }
}

function isDenial(event: AuditEvent): boolean {
  if (event.type === 'request') return 'fields' in event && event.fields.result === 'denied';
  return event.type === 'tool_call' && 'result' in event && event.result === 'denied';
}

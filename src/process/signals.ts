/** The signals that end the proxy (wire.md §4). */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that asks the proxy, and with it the wrapped server, to end. */
export type EndingSignal = (typeof ENDING)[number];

/** Calls `f` for every ending signal instead of dying of it; the answer takes the subscription back. */
export function onSignals(f: (signal: EndingSignal) => void): () => void {
  for (const signal of ENDING) process.on(signal, f);
  return () => {
    for (const signal of ENDING) process.off(signal, f);
  };
}

/** The server of a session that begins with a stream: its first message starts it, and no GET does (wire.md §5). */
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { Backend, OpenBackend } from './backend.ts';

/** Opens nothing before a frame goes to the server; `failed` is called where it then cannot be opened. */
export function startedByMessage(openBackend: OpenBackend, failed: (error: unknown) => void): OpenBackend {
  return async (session, rawHeaders, nonMessage) => {
    const ended = Promise.withResolvers<string>();
    let opening: Promise<Backend | undefined> | undefined;
    let opened: Backend | undefined;
    // Bounded by the transport, which takes no message while more than one of the largest waits (`waiting`).
    let early: OutgoingFrame[] = [];
    let bytes = 0;
    const open = async () => {
      opened = await openBackend(session, rawHeaders, nonMessage);
      void opened.ended.then(ended.resolve);
      opened.send(early);
      early = [];
      return opened;
    };
    const start = () =>
      open().catch((error: unknown) => {
        failed(error);
        ended.resolve('the server could not be started');
        return undefined;
      });
    return {
      send(frames) {
        if (opened) return opened.send(frames);
        early.push(...frames);
        for (const frame of frames) bytes += frame.bytes.length;
        opening ??= start();
      },
      get waiting() {
        return opened?.waiting ?? bytes;
      },
      sweep: () => opened?.sweep(),
      ended: ended.promise,
      stop: async (how) => (await opening)?.stop(how),
    };
  };
}

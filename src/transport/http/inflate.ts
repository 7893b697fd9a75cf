/** Bodies that came compressed although identity was asked for (wire.md §2.8): inflated before they are judged, or refused. */
import { faultOf, UpstreamFault } from './fault.ts';

const FORMATS: ReadonlyMap<string, CompressionFormat> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
]);

/** The body as it is meant, piece by piece: whoever reads it bounds what it becomes. */
export function inflate(body: AsyncIterable<Uint8Array>, encoding: string | undefined): AsyncIterable<Uint8Array> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return body;
  const format = FORMATS.get(name);
  return format ? inflated(body, format) : refused(name);
}

function refused(encoding: string): AsyncIterable<Uint8Array> {
  const why = `answers in an encoding that was not asked for, ${JSON.stringify(encoding.slice(0, 40))}`;
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new UpstreamFault('encoding', why, true)) }) };
}

async function* inflated(body: AsyncIterable<Uint8Array>, format: CompressionFormat): AsyncGenerator<Uint8Array> {
  const stream = new DecompressionStream(format);
  const writer = stream.writable.getWriter();
  const feeding = feed(body, writer).catch((error: unknown) => error);
  try {
    for await (const piece of stream.readable) yield piece as Uint8Array;
  } catch (error) {
    const fed = await Promise.race([feeding, undefined]);
    throw fed instanceof UpstreamFault ? fed : faultOf(error as Error, true);
  }
}

async function feed(body: AsyncIterable<Uint8Array>, writer: WritableStreamDefaultWriter<BufferSource>): Promise<unknown> {
  try {
    for await (const piece of body) {
      await writer.ready;
      await writer.write(piece as Uint8Array<ArrayBuffer>);
    }
    await writer.close();
    return undefined;
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
}

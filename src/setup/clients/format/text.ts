/** Bytes and text of a file, so that the bytes come back as they were. */
import { UnreadableText } from './tree.ts';

/** Bytes of a file that is read; a longer one is left alone. */
export const MAX_FILE = 20 * 1024 ** 2;
const MARK = '\ufeff';

export interface FileWords {
  /** Without the byte order mark. */
  readonly text: string;
  readonly mark: string;
}

/** Reads UTF-8, strictly: other bytes would not come back. Throws `UnreadableText`. */
export function decodeText(bytes: Uint8Array): FileWords {
  if (bytes.length > MAX_FILE) throw new UnreadableText(`it is larger than ${MAX_FILE / 1024 ** 2} MiB`);
  const whole = decode(bytes);
  return whole.startsWith(MARK) ? { text: whole.slice(MARK.length), mark: MARK } : { text: whole, mark: '' };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UnreadableText('its bytes are no UTF-8');
  }
}

export function encodeText({ text, mark }: FileWords): Uint8Array {
  return new TextEncoder().encode(mark + text);
}

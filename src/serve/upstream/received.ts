/** What comes from a server over HTTP, before anybody judged it. */
import type { Sender } from '../../mcp/messages/id-finder.ts';

/** One message of the server as bytes, or one that was thrown away because it is too long. */
export type Received =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  | { readonly kind: 'too_long'; readonly length: number; readonly sender: Sender };

/** Of an event of the server's: all but its message. */
export interface Aside {
  readonly bytes: Uint8Array;
  readonly hasId: boolean;
}

/** ms that a stream may take to open before what waits for it goes on without it. */
export const OPENING = 2_000;

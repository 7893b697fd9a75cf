/** The protocol's revisions, and the keys of `_meta` that say which one a message is of. */

/** The era of 2026-07-28 and later: no handshake, `resultType` on every result. */
export const MODERN = '2026-07-28';

/** The revisions with a handshake, oldest first. */
export const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;

/** All revisions that are spoken (wire.md §1). */
export const VERSIONS: ReadonlySet<string> = new Set([...LEGACY, MODERN]);

export const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
export const CLIENT_KEY = 'io.modelcontextprotocol/clientInfo';
export const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';

/** Requests as revision 2026-07-28 wants them: each carries its own version and capabilities. */

export const MODERN = '2026-07-28';

/** The `_meta` of a modern request; `more` adds a progress token, trace context and the like. */
export function envelope(capabilities: object = {}, more: object = {}): Readonly<Record<string, unknown>> {
  return {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'harness', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    ...more,
  };
}

/** The params of a modern request. */
export function modern(params: object = {}, capabilities: object = {}, meta: object = {}): object {
  return { ...params, _meta: envelope(capabilities, meta) };
}

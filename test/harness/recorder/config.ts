/** What the recording server can be told to be. Read from a JSON file, so everything here is JSON. */

/** How it turns bytes into messages; each stands for parsers that real servers use. */
export type Reader =
  /** JSON.parse: the last of duplicate keys counts. Where it fails, a lenient reader of the same habit steps in. */
  | 'last'
  /** The first of duplicate keys counts. */
  | 'first'
  /** Keys of the protocol match in any case and any compatibility form, the last counts (Go's encoding/json). */
  | 'fold';

/** Where it cuts lines: at LF alone, or wherever some runtime's line reader does (CR, VT, FF, NEL, U+2028, U+2029). */
export type Framing = 'lf' | 'any';

/** Which requests it understands: with a handshake, with `_meta` per request, or both. */
export type Era = 'legacy' | 'modern' | 'dual';

/**
 * Where answers arrive over HTTP: in the POST's own JSON body or stream, on the GET stream, on a stream resumed after
 * the POST's own broke off, or on the one stream of HTTP+SSE (2024-11-05).
 */
export type Channel = 'json' | 'stream' | 'get' | 'resumed' | 'legacy';

/** What a tool does when it is called. Those with `next` do something first and go on. */
export type Behaviour =
  /** Answers with `result`, or with its own arguments as text. */
  | { readonly do: 'answer'; readonly result?: object }
  | { readonly do: 'error'; readonly code: number; readonly message: string; readonly data?: unknown }
  | { readonly do: 'is_error'; readonly text: string; readonly result?: object }
  /** Asks for input `times` times (1), then goes on. */
  | {
      readonly do: 'input_required';
      readonly inputRequests?: object;
      readonly requestState?: string;
      readonly times?: number;
      readonly next?: Behaviour;
    }
  /** Becomes a task, if the caller asked for one (2025-11-25), declared the extension (2026-07-28), or `unasked`. */
  | { readonly do: 'task'; readonly end: TaskEnd; readonly unasked?: boolean; readonly notify?: boolean }
  | { readonly do: 'delay'; readonly ms: number; readonly next?: Behaviour }
  /** Waits until a file exists: how a test holds a call open for exactly as long as it wants. */
  | { readonly do: 'await_file'; readonly path: string; readonly next?: Behaviour }
  /** Never answers. */
  | { readonly do: 'silence' }
  /** Writes these lines as they are, `$ID` standing for the request's id, and answers nothing more unless `next` says. */
  | { readonly do: 'raw'; readonly lines: readonly string[]; readonly next?: Behaviour }
  /** Answers with so many bytes of text. */
  | { readonly do: 'huge'; readonly bytes: number }
  | { readonly do: 'exit'; readonly status?: number; readonly signal?: 'SIGKILL' | 'SIGTERM' }
  /** Adds a tool and announces it. */
  | { readonly do: 'change_list'; readonly add: Tool; readonly next?: Behaviour }
  /** Sends the client a request of its own (`sampling/createMessage`, `elicitation/create`, `roots/list`) and answers with what it said. */
  | { readonly do: 'ask_client'; readonly method: string; readonly params?: object }
  | { readonly do: 'progress'; readonly steps: number; readonly next?: Behaviour }
  /** The n-th call does the n-th; the last one stays. */
  | { readonly do: 'sequence'; readonly steps: readonly Behaviour[] };

/** How a task ends, and after how many `tasks/get` or once which file exists. */
export interface TaskEnd {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly polls?: number;
  readonly file?: string;
  readonly result?: object;
  readonly error?: { readonly code: number; readonly message: string };
}

export interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: object;
  readonly behaviour?: Behaviour;
  /** More members of the tool's entry in `tools/list`. */
  readonly more?: object;
}

export interface RecorderConfig {
  /** The file it logs to. */
  readonly ledger: string;
  readonly reader?: Reader;
  readonly framing?: Framing;
  /** Over HTTP only. */
  readonly channel?: Channel;
  readonly era?: Era;
  /** The newest handshake revision it speaks. */
  readonly version?: string;
  readonly tools?: readonly Tool[];
  /** Tools per page of `tools/list`; all on one without it. */
  readonly pageSize?: number;
  readonly capabilities?: object;
  /** Answers to other methods, by method: a result. */
  readonly methods?: Readonly<Record<string, object>>;
  /** Lines written at start, before anything was asked. */
  readonly banner?: readonly string[];
  /** Stays alive when stdin closes, as some servers do. */
  readonly ignoreEnd?: boolean;
}

/** What the ledger holds. `line` is the text as it arrived. */
export type Entry =
  | { readonly type: 'received'; readonly line: string }
  | {
      readonly type: 'executed';
      readonly tool: string;
      readonly arguments: unknown;
      readonly id?: string | number | null;
      readonly line: string;
    }
  | { readonly type: 'request'; readonly method: string; readonly params: unknown; readonly line: string };

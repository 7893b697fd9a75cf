/** The options of a running proxy, read from the flags of the command line (cli.md §1). Times in ms, sizes in bytes. */
import type { LogLevel } from '../audit/sinks/log.ts';

export interface ProxyOptions {
  readonly config: string;
  readonly shadow: boolean;
  readonly agent: string | undefined;
  readonly statePrefix: string | undefined;
  readonly stateFailMode: 'closed' | 'open';
  readonly stateTimeout: number;
  /** The most that stored results of idempotent calls may take together. */
  readonly maxState: number;
  readonly upstreamTimeout: number;
  readonly approvalWait: number;
  readonly maxMessage: number;
  readonly logLevel: LogLevel;
  readonly auditArgs: 'redacted' | 'full' | 'hash';
  readonly auditRetention: number;
  readonly allowSelf: boolean;
  readonly enableAdminApi: boolean;
  /** 0: any that is free. */
  readonly adminPort: number;
  /** `INTERCEPT_HOME`, else `~/.intercept`. */
  readonly home: string;
  /** The server over HTTP; undefined where it is a child process. */
  readonly remote: Remote | undefined;
  /** The options of the listener; undefined for one agent on stdio. */
  readonly listen: ListenOptions | undefined;
}

/** A header as it was given. */
export interface GivenHeader {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
  /** The variables that its value, or a part of it, came from, and what they hold. */
  readonly variables: readonly string[];
  readonly hidden: readonly string[];
}

export interface Remote {
  readonly url: URL;
  /** Sent with every request, in place of the client's of the same name (in lower case). One character for each byte. */
  readonly headers: Readonly<Record<string, string>>;
  readonly given: readonly GivenHeader[];
  /** Variables that hold secrets: a server of ours does not get them. */
  readonly secretEnv: readonly string[];
}

export interface ListenOptions {
  readonly bind: string;
  readonly port: number;
  /** The URL that clients use, without a slash or `/mcp` at its end; undefined where that is its own address. */
  readonly publicUrl: string | undefined;
  /** Hosts and origins that are allowed besides the listener's own, in lower case. */
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  /** The bearer token that every client has to bring, and the variable it came from. */
  readonly token: { readonly value: string; readonly variable: string } | undefined;
  /** Tokens that say which agent brings them, and their variables. With some, nobody else comes in but who brings `token`. */
  readonly agentTokens: readonly { readonly name: string; readonly value: string; readonly variable: string }[];
  /** Further headers of the client's that pass, in lower case. */
  readonly passHeaders: readonly string[];
  readonly preserveHost: boolean;
  readonly maxSessions: number;
  /** The upstream is known to speak HTTP+SSE only. */
  readonly upstreamSse: boolean;
}

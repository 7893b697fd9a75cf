/** The proxy's flags, parsed (cli.md §1). Times in ms, sizes in bytes. */
import type { LogLevel } from '../audit/log.ts';

export interface ProxyOptions {
  readonly config: string;
  readonly shadow: boolean;
  readonly agent: string | undefined;
  readonly stateDir: string;
  readonly statePrefix: string | undefined;
  readonly stateFailMode: 'closed' | 'open';
  readonly stateTimeout: number;
  readonly upstreamTimeout: number;
  readonly maxMessage: number;
  readonly logLevel: LogLevel;
  readonly auditArgs: 'redacted' | 'full' | 'hash';
  readonly auditRetention: number;
  readonly allowSelf: boolean;
  /** `INTERCEPT_HOME`, else `~/.intercept`. */
  readonly home: string;
}

/** Exit statuses (cli.md §1). */
export const EXIT = { done: 0, failed: 1, usage: 2, invalidPolicy: 3, found: 4 } as const;

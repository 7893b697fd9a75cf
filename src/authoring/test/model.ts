/** A policy test file, read (policy.md §15). Times in epoch ms and ms; lines from 1. */
import type { JsonObject } from '../../core/json.ts';

export type Expectation = 'allow' | 'deny' | 'hold' | 'replay';
export type GivenAnswer = 'ok' | 'error' | 'tool_error' | 'unknown';

export interface TestFile {
  readonly policy: { readonly kind: 'file'; readonly path: string } | { readonly kind: 'inline'; readonly text: string };
  readonly now: number;
  readonly tools: string | undefined;
  readonly cases: readonly TestCase[];
}

export interface TestCase {
  readonly name: string;
  readonly line: number;
  readonly agent: string | undefined;
  readonly now: number | undefined;
  readonly steps: readonly TestStep[];
}

export type TestStep = { readonly line: number; readonly after: number } & (
  | CallStep
  | { readonly kind: 'approve' | 'deny'; readonly reason: string }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'resume' }
  | { readonly kind: 'wait' }
);

export interface CallStep {
  readonly kind: 'call';
  readonly tool: string;
  readonly args: JsonObject;
  readonly argsText: string;
  readonly agent: string | undefined;
  readonly upstream: GivenAnswer;
  /** The server's answer, as JSON text. */
  readonly result: string | undefined;
  readonly repeat: number;
  readonly expect: Expectation;
  readonly rule: string | undefined;
  readonly code: string | undefined;
  /** Text, or a pattern. */
  readonly message: string | { readonly pattern: string; readonly matches: (text: string) => boolean } | undefined;
}

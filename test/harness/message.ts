/** JSON-RPC messages as tests look at them: loosely, after the exact text was kept. */

// biome-ignore lint/suspicious/noExplicitAny: a test reads into results whose shape its own expectations state
export type Loose = any;

export interface Message {
  readonly jsonrpc?: string;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Loose;
  readonly result?: Loose;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Loose };
}

/** The message in a line; undefined where it is no JSON. */
export function parseMessage(text: string): Message | undefined {
  try {
    return JSON.parse(text) as Message;
  } catch {
    return undefined;
  }
}

/** What a result's first text block says. */
export function textOf(answer: Message): string {
  return String(answer.result?.content?.[0]?.text ?? '');
}

/** What Intercept says of a call that it did not pass on (policy.md §13); undefined where the server answered. */
export function decisionOf(answer: Message): Readonly<Record<string, Loose>> | undefined {
  return answer.result?._meta?.['policylayer.com/decision'] ?? answer.error?.data;
}

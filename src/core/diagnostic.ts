/** A diagnostic says what is wrong with a policy, where, and what to do (policy.md §14). Collected, never thrown. */
import type { Position } from './policy.ts';

export interface Diagnostic {
  /** Stable, lower-case with dashes: `unknown-key`. docs/errors.md lists them all. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** Lower-case start, input quoted: `unknown key "defualt"`. */
  readonly message: string;
  /** One thing to do, where there is one: `did you mean "default"?` */
  readonly help: string | undefined;
  readonly position: Position;
}

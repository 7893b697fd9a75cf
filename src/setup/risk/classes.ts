/** The classes of tools, and the things that are found about one (setup.md §1). */
import type { Json } from '../../core/json.ts';

/** The classes, the worst last. */
export const RISKS = ['Read', 'Write', 'Execute', 'Financial', 'Destructive'] as const;
export type Risk = (typeof RISKS)[number];

/** One thing that speaks for a class, as it is shown: `name: "delete"`, `argument: sql`. */
export interface RiskEvidence {
  readonly source: 'name' | 'annotation' | 'argument' | 'description';
  readonly risk: Risk;
  readonly says: string;
}

/** A tool as a server lists it. Everything in it is hostile text. */
export interface ScannedTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: Json;
  readonly annotations?: Json;
}

/** One tool that does many things, by the argument that chooses. */
export interface ToolActions {
  readonly argument: string;
  /** The values that only read; the others, and none, are refused by a requirement on `argument`. */
  readonly reading: readonly string[];
  readonly all: readonly string[];
}

/** Where a call names an amount and its currency, as paths of a policy (policy.md §3). */
export interface MoneyPaths {
  readonly amount?: string;
  readonly currency?: string;
}

export interface ToolRisk {
  readonly risk: Risk;
  /** The thing that decided comes first. */
  readonly evidence: readonly RiskEvidence[];
  /** It returns secrets, or takes them as arguments. */
  readonly sensitive: boolean;
  readonly returnsSecrets?: true;
  /** Names of the arguments that hold secrets. */
  readonly secretArguments: readonly string[];
  /** Nothing was said about it, or nothing that could be trusted. */
  readonly unsure: boolean;
  /** One of many small steps (a click, an edit, a query), for which the usual limit is too low. */
  readonly step: boolean;
  /** It takes the name of another tool: no rule for it can say what is called. */
  readonly takesToolName: boolean;
  readonly actions?: ToolActions;
  readonly money?: MoneyPaths;
}

/** The worse of two classes. */
export function worseOf(a: Risk, b: Risk): Risk {
  return RISKS.indexOf(a) < RISKS.indexOf(b) ? b : a;
}

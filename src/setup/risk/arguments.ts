/** Reads evidence from the arguments of a tool: an action that is chosen, code and statements, files written, secrets, money. */
import { type Risk, type RiskEvidence, type ToolActions, worseOf } from './classes.ts';
import { readDescription, verbsIn } from './description.ts';
import { phrasesOf } from './lookup.ts';
import { type FoundVerb, readName, refineVerb, splitName } from './name.ts';
import type { Argument } from './schema.ts';
import { ARGUMENTS, type VerbKind } from './words.ts';

type Role = keyof typeof ARGUMENTS;

const ROLES: ReadonlyMap<Role, ReadonlySet<string>> = new Map(
  Object.entries(ARGUMENTS).map(([role, row]) => [role as Role, new Set(phrasesOf(row).map((phrase) => phrase.replaceAll(' ', '')))]),
);

/** The names of a row of the table, the most telling first, without marks and in lower case. */
export function namesOf(role: Role): readonly string[] {
  return [...(ROLES.get(role) ?? [])];
}

/** The name of an argument without marks and in lower case. */
export function plainName({ name }: Argument): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** True where the argument's name is in that row of the table; `sqlQuery`, `sql_query` and `sqlquery` are one. */
export function playsRole(argument: Argument, role: Role): boolean {
  return ROLES.get(role)?.has(plainName(argument)) === true;
}

/** The class of a verb; a doubtful one counts as Write. */
export function riskOf(kind: VerbKind): Risk {
  return kind === 'Doubt' ? 'Write' : kind;
}

/** The value's class; undefined where its words say nothing. */
function riskOfValue(value: string, isPair: boolean, nouns: readonly string[]): Risk | undefined {
  const { verbs } = readName(splitName(value));
  const kinds = verbs.map(({ verb, kind }) => (isPair && verb === 'remove' ? 'Write' : worseKind(kind, verb, nouns)));
  return kinds.length === 0 ? undefined : kinds.map(riskOf).reduce(worseOf);
}

/** A value says less than a name does: `cancel` is judged with the nouns of the tool. */
function worseKind(kind: VerbKind, verb: string, nouns: readonly string[]): VerbKind {
  return kind === 'Destructive' ? refineVerb(verb, nouns).kind : kind;
}

export interface ActionsReading {
  readonly actions: ToolActions;
  readonly evidence: readonly RiskEvidence[];
}

/** Arguments of this name hold other things, too: they choose an action only where each value is a verb. */
const LOOSE: ReadonlySet<string> = new Set(['mode', 'task', 'eventtype', 'command']);

/** The argument that chooses among actions, and the worst of them; undefined where there is none. */
export function readActions(args: readonly Argument[], nouns: readonly string[]): ActionsReading | undefined {
  for (const argument of args) {
    if (argument.depth > 2 || argument.values.length < 2 || !playsRole(argument, 'action')) continue;
    const isPair = argument.values.includes('add') && argument.values.includes('remove');
    const risks = argument.values.map((value) => ({ value, risk: riskOfValue(value, isPair, nouns) }));
    const isLoose = LOOSE.has(argument.name.toLowerCase()) && risks.some(({ risk }) => risk === undefined);
    const worst = risks.flatMap(({ risk }) => risk ?? []).reduce<Risk>(worseOf, 'Read');
    if (isLoose || (worst === 'Read' && (argument.isCut || risks.some(({ risk }) => risk === undefined)))) continue;
    const deciding = risks.find(({ risk }) => risk === worst)?.value ?? '';
    return {
      actions: {
        argument: argument.path,
        reading: risks.filter(({ risk }) => risk === 'Read').map(({ value }) => value),
        all: argument.values,
      },
      evidence: [{ source: 'argument', risk: worst, says: `${argument.name} "${deciding}"` }],
    };
  }
  return undefined;
}

/** The argument that says freely what to do; undefined where there is none. */
export function freeAction(args: readonly Argument[]): Argument | undefined {
  return args.find((argument) => argument.depth <= 2 && argument.values.length === 0 && playsRole(argument, 'action') && isText(argument));
}

/** True where the argument may be a text, or a list. */
export function isText({ types }: Argument): boolean {
  return types.length === 0 || types.includes('string') || types.includes('array');
}

/** Verbs whose argument is the text that they work on: nothing runs it. */
const ON_TEXT: ReadonlySet<string> = new Set(
  `explain validate lint format translate parse analyze analyse check verify convert highlight optimize review describe summarize diff
  compare recommend suggest generate docs search render`.split(/\s+/),
);

/** Code and statements that a tool runs. */
export function runsCode(
  args: readonly Argument[],
  verbs: readonly FoundVerb[],
  { speaksLanguage, runs }: { speaksLanguage: boolean; runs: boolean },
): readonly RiskEvidence[] {
  if (verbs.some(({ verb, kind }) => ON_TEXT.has(verb) || kind === 'Write')) return [];
  const isRun = (argument: Argument): boolean => {
    if (argument.depth > 2 || argument.values.length > 0 || !isText(argument)) return false;
    if (playsRole(argument, 'statement')) return true;
    if (playsRole(argument, 'code')) return !LOOSE_CODE.test(argument.name) || runs || isToldToRun(argument);
    return playsRole(argument, 'query') && (speaksLanguage || speaks(argument.description));
  };
  return args.filter(isRun).map(({ name }) => ({ source: 'argument', risk: 'Execute', says: name }));
}

/** It may as well be a code of a country or a coupon. */
const LOOSE_CODE = /^(?:code|program|commands?)$/i;

function isToldToRun({ description }: Argument): boolean {
  return verbsIn(description, []).some(({ verb }) => verb === 'run' || verb === 'execute' || verb === 'evaluate');
}

/** True where a text speaks of a language that can change data, and of none that only reads. */
export function speaks(text: string): boolean {
  const { signs } = readDescription(text);
  const kinds = signs.map(({ sign }) => sign.kind);
  return kinds.includes('language') && !signs.some(({ phrase }) => ONLY_READING.has(phrase));
}

const ONLY_READING: ReadonlySet<string> = new Set(['promql', 'logql', 'gaql', 'soql', 'logs insights query']);

/** Arguments that say what a tool does: it writes a file, takes a lease, deletes a list, makes something from a prompt, stakes money. */
export function ofRoles(args: readonly Argument[], verbs: readonly FoundVerb[]): readonly RiskEvidence[] {
  const acts = verbs.some(({ kind }) => kind !== 'Read');
  const generates = verbs.length === 0 || verbs.some(({ verb }) => GENERATING.has(verb));
  return args.flatMap((argument): readonly RiskEvidence[] => {
    const says = argument.name;
    if (argument.depth > 2) return [];
    if (playsRole(argument, 'output') || playsRole(argument, 'lease')) return [{ source: 'argument', risk: 'Write', says }];
    if (generates && argument.depth === 1 && playsRole(argument, 'prompt')) return [{ source: 'argument', risk: 'Execute', says }];
    if (acts && playsRole(argument, 'stake')) return [{ source: 'argument', risk: 'Financial', says }];
    return playsRole(argument, 'removal') && argument.types.includes('array') ? [{ source: 'argument', risk: 'Destructive', says }] : [];
  });
}

const GENERATING: ReadonlySet<string> = new Set(['generate', 'edit', 'create', 'compose', 'transform', 'render', 'draw']);

/** Names of arguments that hold secrets. */
export function secretsAmong(args: readonly Argument[]): readonly string[] {
  const secret = args.filter((argument) => playsRole(argument, 'secret') && !argument.types.includes('boolean'));
  return [...new Set(secret.map(({ name }) => name))];
}

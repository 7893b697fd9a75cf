/** Conditions as people write them elsewhere, and how they are written here. */
import { inline, inlineText } from './quote.ts';
import type { Advice } from './shape.ts';
import { textOf } from './tree.ts';

/** By operator, its other names: without case, and without what is no letter. */
const NAMES: Readonly<Record<string, string>> = {
  eq: 'equals equal equalto is same exactly',
  neq: 'ne notequal notequals notequalto isnot not differs',
  in: 'oneof anyof isin memberof inlist any',
  not_in: 'noneof notoneof nin notanyof isnotin',
  lt: 'lessthan less below smaller smallerthan under before',
  lte: 'le max maximum atmost lessthanorequal lessthanorequals lessthanorequalto lessorequal upto',
  gt: 'greaterthan greater more morethan over above larger exceeds after',
  gte: 'ge min minimum atleast greaterthanorequal greaterthanorequals greaterthanorequalto greaterorequal',
  regex: 'matches match matchesregex regexp re pattern',
  not_regex: 'notmatches doesnotmatch nomatch notmatch',
  contains: 'includes include has contain',
  not_contains: 'excludes notincludes doesnotcontain',
  starts_with: 'startswith prefix beginswith hasprefix',
  ends_with: 'endswith suffix hassuffix',
  within: 'inside infolder indirectory subpath pathin isin beneath',
  exists: 'present exist defined isset isdefined required',
};
const SIGNS: Readonly<Record<string, string>> = {
  ...{ '=': 'eq', '==': 'eq', '===': 'eq', '!=': 'neq', '!==': 'neq', '<>': 'neq', '≠': 'neq' },
  ...{
    '<': 'lt',
    '<=': 'lte',
    '=<': 'lte',
    '≤': 'lte',
    '>': 'gt',
    '>=': 'gte',
    '=>': 'gte',
    '≥': 'gte',
    '~': 'regex',
    '=~': 'regex',
    '!~': 'not_regex',
  },
};
const MEANT = new Map(Object.entries(NAMES).flatMap(([op, names]) => names.split(' ').map((name) => [name, op] as const)));
const OTHERWISE = new Map([
  ...['absent', 'missing', 'notexists', 'notexist', 'isnull', 'null', 'empty', 'notset', 'notpresent'].map(
    (name) => [name, 'write "op: exists, value: false"'] as const,
  ),
  ...['like', 'glob', 'wildcard', 'fnmatch', 'ilike'].map(
    (name) => [name, 'write starts_with or ends_with, or regex with ".*" for "*"'] as const,
  ),
  ...['between', 'range', 'inrange'].map((name) => [name, 'write two conditions, one with gte and one with lte'] as const),
]);

function operatorOf(text: string): string | undefined {
  return SIGNS[text.trim()] ?? MEANT.get(text.toLowerCase().replace(/[^a-z]/g, ''));
}

/** `<=`, `equals`, `startsWith`. */
export const adviseOperator: Advice = (node) => {
  const text = textOf(node);
  if (text === undefined) return undefined;
  const op = operatorOf(text);
  return op ? `write ${op}` : OTHERWISE.get(text.toLowerCase().replace(/[^a-z]/g, ''));
};

const SENTENCE = /^\s*([\w.[\]*"$-]{1,100})\s*(<=|>=|==|!=|=~|<|>|=|\s(?:not[ _]in|[A-Za-z_]{2,12})\s)\s*(\S.{0,100}?)\s*$/;

/** A condition that is written as a sentence: `args.amount < 500`. */
export const adviseCondition: Advice = (node) => {
  const [, left = '', sign = '', right = ''] = SENTENCE.exec(textOf(node) ?? '') ?? [];
  const op =
    operatorOf(sign) ?? (/^\s*(?:eq|neq|in|lte?|gte?|regex|contains|starts_with|ends_with|within)\s*$/.exec(sign)?.[0].trim() || undefined);
  if (op === undefined) return node.kind === 'text' ? 'write a map: {path: args.amount, op: lte, value: 500}' : undefined;
  return `write {path: ${repairPath(left) ?? left}, op: ${op}, value: ${right}}`;
};

/** Another language's path, as far as it is plain what it means: `amount`, `$.amount`, `arguments.amount`. */
function repairPath(text: string): string | undefined {
  const inner = text
    .replace(/^(?:\$|params?|request|input|call|tool|body)\./, '')
    .replace(/^(?:arguments?|args|params?|input|parameters)(?=\.|\[|$)/, 'args')
    .replace(/\[\]/g, '[*]')
    .replace(/\.\*(?=\.|$)/g, '[*]')
    .replace(/\['([^'"\\]+)'\]/g, '["$1"]')
    .replace(/\[([A-Za-z_]\w*)\]/g, '.$1')
    .replaceAll('/', '.')
    .replace(/^\.+/, '');
  const named = /^args(?:\.|\[)/.test(inner) ? inner : `args.${inner}`;
  const spaced = named.replace(/\.([^.[\]"]*[\s'][^.[\]"]*)/g, (_, key: string) => `[${JSON.stringify(key)}]`);
  return /^args(?:\.[^.[\]"'*\s]+|\[(?:\*|\d{1,9}|"[^"\\]+")\])+$/.test(spaced) ? spaced : undefined;
}

/** A path that is not one of ours. */
export const advisePath: Advice = (node) => {
  const text = textOf(node);
  if (text === undefined) return undefined;
  if (text === 'args') return 'name an argument: args.amount';
  if (/^state\b/.test(text))
    return 'a counter is state.<tool>.<counter>, such as state.create_refund.daily_total, and stands under "conditions"';
  const path = repairPath(text);
  if (path === text) return 'name one argument: "[*]" stands for many';
  return path === undefined ? 'write args. and the name of the argument: args.amount, or args["first name"]' : `write ${inlinePath(path)}`;
};

function inlinePath(path: string): string {
  return /[[\]"]/.test(path) ? `'${path}'` : path;
}

/** A folder that is relative, or has a pattern or another system's variable. */
export const adviseFolder: Advice = (node) => {
  const text = textOf(node);
  if (text === undefined) return undefined;
  const [home] = /^(?:~|\$HOME|%USERPROFILE%)(?=[\\/]|$)/i.exec(text) ?? [];
  if (home !== undefined) return `write ${inlineText(`\${HOME}${text.slice(home.length)}`)}`;
  if (/^(?:\$PWD|\$\{PWD\})(?=\/|$)/.test(text)) return `write ${inlineText(text.replace(/^\$\{?PWD\}?/, `\${CWD}`))}`;
  if (text.includes('*')) return `folders take no patterns: ${text.replace(/[\\/]?\*.*$/, '') || '/'} has all that is below it`;
  if (/^file:\/\//i.test(text)) return `write ${text.replace(/^file:\/\/(?:localhost)?/i, '')}`;
  if (/^\.\.?(?:\/|$)/.test(text) || /^[\w.-]/.test(text))
    return `write it from the policy's folder, ${inlineText(`\${POLICY_DIR}/${text.replace(/^\.\//, '')}`)}, or from the working folder, with \${CWD}`;
  return undefined;
};

/** The text under `value` of an operator that takes a list: one of its entries. */
export const adviseList: Advice = (node) => {
  if (node.kind === 'text' && node.text.includes(','))
    return `write it as a list: [${node.text
      .split(/\s*,\s*/)
      .map(inlineText)
      .join(', ')}]`;
  return node.kind === 'map' || node.kind === 'null' ? undefined : `write it as a list: [${inline(node)}]`;
};

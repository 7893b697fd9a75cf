/** Tools and rules in another shape than they have, and how they are written. */
import { adviseCondition } from './advice-conditions.ts';
import { inline, inlineText } from './quote.ts';
import type { Advice } from './shape.ts';
import { entriesOf, type MapNode, type Node, textOf, textsOf } from './tree.ts';

const DENIED = /^(?:deny|denied|block|blocked|false|no|never)$/i;
const HELD = /^(?:require[_-]?approval|approval|approve|ask|hold|confirm)$/i;
const ALLOWED = /^(?:allow|allowed|true|yes|any|all|permit|read)$/i;

/** The rule that a single word stands for, as it is written. */
function ruleOf(node: Node): string | undefined {
  const word = node.kind === 'boolean' ? String(node.value) : (textOf(node) ?? '');
  if (DENIED.test(word)) return '{action: deny}';
  if (HELD.test(word)) return '{action: require_approval}';
  return ALLOWED.test(word) ? '{action: allow}' : undefined;
}

/** `foo: allow`, `foo:`, `foo: true`. */
export const adviseEntry: Advice = (node) => {
  if (node.kind === 'null') return 'write "[]" where there is nothing to check, or indent its rules deeper than its name';
  const rule = ruleOf(node);
  if (rule === '{action: allow}') return 'write "[]", or name it in the list "allow"';
  return rule === undefined ? 'write "[]" where there is nothing to check, or its rules: [{rate_limit: 10/hour}]' : `write [${rule}]`;
};

/** `rules: deny`, or one rule without its "- ". */
export const adviseRules: Advice = (node) => {
  if (node.kind === 'map') return dashOf(node) ?? 'write "- " before the first key of each rule, and indent the others below that key';
  const rule = ruleOf(node);
  return rule === undefined ? 'write each rule after "- ", or "[]" where there is nothing to check' : `write [${rule}]`;
};

/** A rule that is a word. */
export const adviseRule: Advice = (node) => {
  const rule = ruleOf(node);
  return rule === undefined ? 'a rule is a map, such as {rate_limit: 10/hour}' : `write ${rule}`;
};

/** One condition without its "- ", or as a sentence. */
export const adviseConditions: Advice = (node) => {
  if (node.kind === 'map')
    return (
      dashOf(node) ??
      (node.entries.has('path') ? 'write "- " before "path", and indent "op" and "value" below it' : 'write each condition after "- "')
    );
  const condition = adviseCondition(node);
  return condition === undefined ? 'write each condition after "- "' : condition.replace(/(\{.*\})/, '[$1]');
};

/** `approvals: true`. */
export const adviseApprovals: Advice = () =>
  'a rule asks for approval with "action: require_approval"; here stands how long: {default_timeout: 15m}';

/** `state: refunds`. */
export const adviseState: Advice = (node) =>
  node.kind === 'text' ? `write {counter: ${inlineText(node.text.replace(/[^\w-]+/g, '_'))}, window: day}` : undefined;

/** A list of arguments, without their schemas. */
export const adviseArguments: Advice = (node) => {
  const names = textsOf(node);
  return names.length === 0
    ? undefined
    : `write a schema for each: {${names
        .slice(0, 4)
        .map((name) => `${inlineText(name)}: {type: string}`)
        .join(', ')}}`;
};

/** `-action: deny` is a key that begins with a dash. */
function dashOf(node: MapNode): string | undefined {
  const [first] = node.entries.keys();
  return first?.startsWith('-') ? 'write a space after "-"' : undefined;
}

/** A list of names, a list of entries, or a word where the map of tools stands. */
export const adviseTools: Advice = (node) => {
  const text = textOf(node);
  if (text !== undefined)
    return /^[^\s:]+:\S/.test(text) ? 'write a space after ":"' : `write {${inlineText(text)}: []}, or name it in the list "allow"`;
  if (node.kind !== 'list') return 'write "tools: {}" where none is listed';
  const names = textsOf(node);
  if (names.length > 0)
    return `names without rules are listed by "allow": [${names.slice(0, 4).map(inlineText).join(', ')}${names.length > 4 ? ', …' : ''}]`;
  const [name] = node.items.flatMap((item) => [textOf(entriesOf(item).find(({ key }) => key === 'name')?.value) ?? keyOf(item)]);
  return `write each tool by its name: {${name === undefined ? 'create_refund: []' : `${inlineText(name)}: []`}}`;
};

/** The only key of a map, as in `- create_refund: {rules: []}`. */
function keyOf(node: Node): string | undefined {
  const [first] = entriesOf(node);
  return first?.key;
}

/** The condition whose keys stand in the rule itself, as it is written. */
export function strayCondition(entries: readonly { readonly key: string; readonly value: Node }[]): string {
  return `{${entries.map(({ key, value }) => `${key}: ${inline(value)}`).join(', ')}}`;
}

/**
 * Checks a value against a schema that was read. SECURITY: what it costs is charged before it is done, and a value of
 * which nobody knows how a server reads it is denied, wherever in the schema that shows.
 */
import { canonicalText } from '../../core/fingerprint.ts';
import { foldKey, isArray, isNumber, isObject, type Json, type JsonObject, membersBy, type Names } from '../../core/json.ts';
import { UnjudgeableError } from './regex.ts';
import type { Assertion, KeyPattern, SchemaNode } from './schema-node.ts';
import {
  decimalOf,
  isAmong,
  isCounted,
  isMultiple,
  isOfType,
  isWithinBound,
  keyWork,
  matches,
  type Run,
  weightOf,
} from './schema-values.ts';

/** A value that does not fit: the keyword, the name that is missing or too many, and the way to the value, innermost first. */
export interface Misfit {
  readonly keyword: string;
  readonly name?: string;
  readonly path: string[];
}

/** The first thing that does not fit; undefined where all does. Throws `UnjudgeableError`. */
export function checkNode(node: SchemaNode, value: Json, run: Run): Misfit | undefined {
  if (node.constant !== undefined) return node.constant ? undefined : misfit('false schema');
  run.work.charge(node.cost);
  run.work.enter();
  const found = firstMisfit(node, value, isObject(value) ? readable(node, value, run) : undefined, run);
  run.work.leave();
  if (found) run.work.charge(2);
  return found;
}

function firstMisfit(node: SchemaNode, value: Json, members: Members | undefined, run: Run): Misfit | undefined {
  for (const assertion of node.assertions) {
    const found = check(assertion, value, members, run);
    if (found) return found;
  }
  return undefined;
}

function misfit(keyword: string, name?: string): Misfit {
  return name === undefined ? { keyword, path: [] } : { keyword, name, path: [] };
}

function failUnless(holds: boolean, keyword: string): Misfit | undefined {
  return holds ? undefined : misfit(keyword);
}

type Members = ReadonlyMap<string, Json>;

function check(assertion: Assertion, value: Json, members: Members | undefined, run: Run): Misfit | undefined {
  switch (assertion.kind) {
    case 'type':
      return failUnless(
        assertion.types.some((type) => isOfType(value, type, run)),
        'type',
      );
    case '$ref':
      return assertion.target ? checkNode(assertion.target, value, run) : misfit('$ref');
    case 'allOf':
    case 'anyOf':
    case 'oneOf':
      return checkCombined(assertion.kind, assertion.of, value, run);
    case 'not':
      return failUnless(checkNode(assertion.of, value, run) !== undefined, 'not');
    case 'if':
      return checkBranch(assertion, value, run);
    case 'enum':
    case 'const':
      return failUnless(isAmong(value, assertion.values, run), assertion.kind);
    default:
      return checkTyped(assertion, value, members, run);
  }
}

type Typed = Exclude<Assertion, { kind: 'type' | '$ref' | 'allOf' | 'anyOf' | 'oneOf' | 'not' | 'if' | 'enum' | 'const' }>;

/** Keywords that say nothing of values of other types than their own. */
function checkTyped(assertion: Typed, value: Json, members: Members | undefined, run: Run): Misfit | undefined {
  switch (assertion.kind) {
    case 'bound':
      return isNumber(value)
        ? failUnless(isWithinBound(decimalOf(value.number, run), assertion.keyword, assertion.limit), assertion.keyword)
        : undefined;
    case 'multipleOf':
      return isNumber(value) ? failUnless(isMultiple(decimalOf(value.number, run), assertion.divisor, run), 'multipleOf') : undefined;
    case 'count':
      return failUnless(isCounted(value, assertion.keyword, assertion.limit, run), assertion.keyword);
    case 'pattern':
      return typeof value === 'string' ? failUnless(matches(assertion.matcher, value, run), 'pattern') : undefined;
    case 'uniqueItems':
    case 'items':
    case 'contains':
      return isArray(value) ? checkList(assertion, value, run) : undefined;
    default:
      return isObject(value) && members ? checkObject(assertion, members, value, run) : undefined;
  }
}

function checkCombined(kind: 'allOf' | 'anyOf' | 'oneOf', of: readonly SchemaNode[], value: Json, run: Run): Misfit | undefined {
  let fitting = 0;
  let first: Misfit | undefined;
  for (const node of of) {
    const found = checkNode(node, value, run);
    if (found && kind === 'allOf') return found;
    first ??= found;
    if (!found) fitting++;
    if ((kind === 'anyOf' && fitting === 1) || (kind === 'oneOf' && fitting === 2)) break;
  }
  if (kind === 'allOf' || (fitting === 1 && (kind === 'oneOf' || kind === 'anyOf'))) return undefined;
  return fitting === 0 && first ? first : misfit(kind);
}

function checkBranch({ condition, then, otherwise }: Extract<Assertion, { kind: 'if' }>, value: Json, run: Run): Misfit | undefined {
  if (!then && !otherwise) return undefined;
  const branch = checkNode(condition, value, run) ? otherwise : then;
  return branch && checkNode(branch, value, run);
}

type Listed = Extract<Assertion, { kind: 'uniqueItems' | 'items' | 'contains' }>;

function checkList(assertion: Listed, items: readonly Json[], run: Run): Misfit | undefined {
  switch (assertion.kind) {
    case 'uniqueItems':
      run.work.charge(4 * weightOf(items, run));
      return failUnless(new Set(items.map(canonicalText)).size === items.length, 'uniqueItems');
    case 'contains':
      return checkContains(assertion, items, run);
    case 'items':
      return checkItems(assertion, items, run);
  }
}

function checkContains({ of, min, max }: Extract<Assertion, { kind: 'contains' }>, items: readonly Json[], run: Run): Misfit | undefined {
  let count = 0;
  for (const item of items) {
    run.work.charge(1);
    if (!checkNode(of, item, run)) count++;
    if (count > max || (count >= min && max === Number.POSITIVE_INFINITY)) break;
  }
  return failUnless(count >= min && count <= max, 'contains');
}

function checkItems({ prefix, rest }: Extract<Assertion, { kind: 'items' }>, items: readonly Json[], run: Run): Misfit | undefined {
  const length = rest ? items.length : Math.min(prefix.length, items.length);
  for (let index = 0; index < length; index++) {
    const node = prefix[index] ?? rest;
    run.work.charge(1);
    const found = node && within(node, String(index), items[index] ?? null, run);
    if (found) return found;
  }
  return undefined;
}

const NO_NAMES: Names = { exact: new Set(), folded: new Set() };

/** INVARIANT I2: a key that only looks like one that the schema names makes the whole value unknown. */
function readable({ names, keyPatterns }: SchemaNode, object: JsonObject, run: Run): Members {
  if (names || keyPatterns.length > 0) for (const key of object.keys()) run.work.charge(keyWork(key));
  const members = membersBy(object, names ?? NO_NAMES);
  if (members && !hasLookAlike(object, keyPatterns, names ?? NO_NAMES, run)) return members;
  throw new UnjudgeableError('a key is spelt almost like one that the schema names');
}

function hasLookAlike(object: JsonObject, patterns: readonly KeyPattern[], names: Names, run: Run): boolean {
  if (patterns.length === 0) return false;
  for (const key of object.keys()) {
    if (names.exact.has(key)) continue;
    run.work.charge(keyWork(key));
    const seen = foldKey(key);
    for (const { exact, folded } of patterns)
      if (!matches(exact, key, run) && (matches(folded, seen, run) || matches(exact, seen, run))) return true;
  }
  return false;
}

type Keyed = Exclude<Typed, Listed | { kind: 'bound' | 'multipleOf' | 'count' | 'pattern' }>;

function checkObject(assertion: Keyed, members: Members, object: JsonObject, run: Run): Misfit | undefined {
  switch (assertion.kind) {
    case 'required':
      return missingOf(assertion.names, members, 'required');
    case 'dependentRequired':
      return members.has(assertion.on) ? missingOf(assertion.names, members, 'dependentRequired') : undefined;
    case 'dependentSchemas':
      return members.has(assertion.on) ? checkNode(assertion.of, object, run) : undefined;
    case 'propertyNames':
      return checkKeys(assertion.of, object, run);
    case 'members':
      return checkMembers(assertion, members, run);
  }
}

function missingOf(names: readonly string[], members: Members, keyword: string): Misfit | undefined {
  const missing = names.find((name) => !members.has(name));
  return missing === undefined ? undefined : misfit(keyword, missing);
}

function checkKeys(of: SchemaNode, object: JsonObject, run: Run): Misfit | undefined {
  for (const key of object.keys()) {
    run.work.charge(1);
    if (checkNode(of, key, run)) return misfit('propertyNames', key);
  }
  return undefined;
}

type MembersAssertion = Extract<Assertion, { kind: 'members' }>;

function checkMembers(assertion: MembersAssertion, members: Members, run: Run): Misfit | undefined {
  for (const [key, value] of members) {
    run.work.charge(1);
    const found = checkMember(assertion, key, value, run);
    if (found) return found;
  }
  return undefined;
}

function checkMember({ properties, patterns, additional }: MembersAssertion, key: string, value: Json, run: Run): Misfit | undefined {
  const property = properties.get(key);
  if (property && patterns.length === 0) return within(property, key, value, run);
  const matching = patterns.filter(({ pattern }) => matches(pattern.exact, key, run)).map(({ of }) => of);
  const nodes = property ? [property, ...matching] : matching;
  if (nodes.length === 0 && additional?.constant === false) return misfit('additionalProperties', key);
  for (const node of nodes.length === 0 && additional ? [additional] : nodes) {
    const found = within(node, key, value, run);
    if (found) return found;
  }
  return undefined;
}

function within(node: SchemaNode, step: string, value: Json, run: Run): Misfit | undefined {
  const found = checkNode(node, value, run);
  found?.path.push(step);
  return found;
}

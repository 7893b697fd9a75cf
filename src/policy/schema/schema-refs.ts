/** Finds what references name inside a schema, and which names a schema gives to members of what it judges. */
import { isArray, isObject, type Json, type JsonObject, namesOf } from '../../core/json.ts';
import { constantNode, type KeyPattern, type SchemaNode, schemasOf } from './schema-node.ts';
import { addFault, type Reference, type SchemaReading } from './schema-reading.ts';
import { keyWork } from './schema-values.ts';

/** An identifier as a whole address where that is known, and without an empty fragment. */
export function resolveId(id: string, base: string): string {
  const plain = id.replace(/#$/, '');
  return URL.parse(plain, base === '' ? undefined : base)?.href ?? plain;
}

/** SECURITY: a schema may hold thousands of `propertyNames` that all lead to the same thousands of schemas. */
const MAX_COLLECTED = 50_000;

/** Folding all names may cost this much, as a check counts it: half of what a check may. */
const MAX_FOLDED = 500_000;

/** Finds the target of each reference, and then the names of each schema. What is not there is a fault. */
export function linkSchema(reading: SchemaReading): void {
  for (const reference of reading.references) {
    const target = targetOf(reference, reading);
    if (target) reference.assertion.target = target;
    else
      addFault(reading, reference.at, `"$ref" ${JSON.stringify(reference.assertion.text.slice(0, 200))} names nothing inside the schema`);
  }
  let left = MAX_COLLECTED;
  const visit = () => left-- > 0;
  let work = MAX_FOLDED;
  for (const node of reading.nodes.values()) {
    const names = nameMembers(node, reading, visit);
    for (const name of names) work -= keyWork(name);
    if (work < 0) break;
    if (names.length > 0) node.names = namesOf(names);
  }
  if (work < 0) addFault(reading, undefined, 'the names of its members are too long');
  if (left < 0) addFault(reading, undefined, 'its "propertyNames" lead to too many schemas');
}

function targetOf({ assertion: { text }, base }: Reference, reading: SchemaReading): SchemaNode | undefined {
  const hash = text.indexOf('#');
  const [address, fragment] = hash < 0 ? [text, ''] : [text.slice(0, hash), text.slice(hash + 1)];
  const id = address === '' ? base.id : resolveId(address, base.id);
  const root = address === '' ? base.schema : reading.bases.get(id);
  if (!root) return undefined;
  if (fragment === '') return reading.nodes.get(root);
  if (fragment.startsWith('/')) return nodeAt(root, fragment, reading);
  const anchored = reading.anchors.get(`${id}#${fragment}`);
  return anchored && reading.nodes.get(anchored);
}

/** SPEC: RFC 6901. */
function nodeAt(root: JsonObject, pointer: string, { nodes, constants }: SchemaReading): SchemaNode | undefined {
  let at: Json | undefined = root;
  let holder: Json | undefined;
  let last = '';
  for (const part of pointer.slice(1).split('/')) {
    last = unescaped(part);
    holder = at;
    if (isObject(at)) at = at.get(last);
    else at = at !== undefined && isArray(at) && /^(?:0|[1-9]\d{0,8})$/.test(last) ? at[Number(last)] : undefined;
  }
  if (isObject(at)) return nodes.get(at);
  return typeof at === 'boolean' && holder !== undefined && constants.get(holder)?.has(last) ? constantNode(at) : undefined;
}

function unescaped(part: string): string {
  const plain = part.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

/** SECURITY: a key that only looks like one of these is read as it by some servers, so nobody knows what was sent. */
function nameMembers(node: SchemaNode, reading: SchemaReading, visit: () => boolean): readonly string[] {
  const names: string[] = [];
  const patterns: KeyPattern[] = [];
  for (const assertion of node.assertions) {
    if (assertion.kind === 'members') {
      names.push(...assertion.properties.keys());
      patterns.push(...assertion.patterns.map(({ pattern }) => pattern));
    } else if (assertion.kind === 'required') names.push(...assertion.names);
    else if (assertion.kind === 'dependentRequired') names.push(assertion.on, ...assertion.names);
    else if (assertion.kind === 'dependentSchemas') names.push(assertion.on);
    else if (assertion.kind === 'propertyNames') collect(assertion.of, names, patterns, reading, visit);
  }
  node.keyPatterns = patterns;
  return names;
}

/** The texts and patterns that a schema of names compares them with. */
function collect(
  root: SchemaNode,
  names: string[],
  patterns: KeyPattern[],
  { patterns: compile }: SchemaReading,
  visit: () => boolean,
): void {
  const seen = new Set<SchemaNode>([root]);
  for (const node of seen) {
    if (!visit()) return;
    for (const assertion of node.assertions) {
      if (assertion.kind === 'enum' || assertion.kind === 'const') for (const text of assertion.values.texts) names.push(text);
      if (assertion.kind === 'pattern') {
        const folded = compile(assertion.source, true);
        if (folded.ok) patterns.push({ exact: assertion.matcher, folded });
      }
      for (const next of schemasOf(assertion)) seen.add(next);
    }
  }
}

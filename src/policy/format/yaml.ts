/**
 * YAML 1.2 text to a tree with positions. Only what is the same to every reader passes: no tags, no merge keys, no
 * octal, and numbers keep their text.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Report } from '../report.ts';
import { explainSyntax } from './syntax.ts';
import type { Entry, Node } from './tree.ts';

const MAX_DEPTH = 64;
const TOO_DEEP = `the policy nests deeper than ${MAX_DEPTH} levels`;
/** SECURITY: how many values all aliases together may stand for; a text of one MiB could stand for billions. */
const MAX_ALIASED = 100_000;

type Part = Scalar | YAMLMap | YAMLSeq | Alias;

interface Anchored {
  readonly node: Node;
  readonly size: number;
}

interface Reader {
  readonly report: Report;
  /** Anchors whose value is complete: an alias inside its own anchor finds none. */
  readonly anchors: Map<string, Anchored>;
  size: number;
  aliased: number;
}

/** Reads one document; undefined when nothing can be made of the text (the report says why). */
export function parseYaml(text: string, report: Report): Node | undefined {
  const document = parseText(text, report);
  if (!document) return undefined;
  reportProblems(document, text, report);
  if (report.hasErrors()) return undefined;
  const reader: Reader = { report, anchors: new Map(), size: 0, aliased: 0 };
  return readNode(document.contents as Part | null, 0, 0, reader);
}

/** The parser recurses: SECURITY: a text that nests deep enough overflows its stack, which is an answer too. */
function parseText(text: string, report: Report): Document.Parsed | undefined {
  try {
    return parseDocument(text, { schema: 'failsafe', uniqueKeys: false, strict: true, prettyErrors: false });
  } catch (error) {
    if (error instanceof RangeError) report.add('too-deep', 0, TOO_DEEP);
    else report.add('yaml-syntax', 0, `the text can not be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Of what is not YAML the first is told: what follows is mostly of its making. */
function reportProblems(document: Document.Parsed, text: string, report: Report): void {
  let isTold = false;
  for (const problem of [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])) {
    if (problem.code === 'TAG_RESOLVE_FAILED') continue;
    if (problem.code === 'MULTIPLE_DOCS')
      report.add('yaml-documents', problem.pos[0], 'a policy is one document', 'remove what follows "---"');
    else if (problem.message.startsWith('Maximum call stack')) report.add('too-deep', problem.pos[0], TOO_DEEP);
    else if (!isTold) {
      isTold = true;
      const { offset, message, help } = explainSyntax(problem, text);
      report.add('yaml-syntax', offset, message, help);
    }
  }
  const { yaml } = document.directives;
  if (yaml.explicit && yaml.version !== '1.2')
    report.add('yaml-syntax', 0, `a policy is YAML 1.2, not ${yaml.version}`, 'remove the %YAML line');
}

function readNode(part: Part | null, offset: number, depth: number, reader: Reader): Node {
  if (part === null) return { kind: 'null', offset };
  if (isAlias(part)) return readAlias(part, reader);
  const before = reader.size++;
  const node = readValue(part, startOf(part, offset), depth, reader);
  if (part.anchor) reader.anchors.set(part.anchor, { node, size: reader.size - before });
  return node;
}

function readValue(part: Exclude<Part, Alias>, offset: number, depth: number, reader: Reader): Node {
  if (depth > MAX_DEPTH) {
    reader.report.add('too-deep', offset, TOO_DEEP);
    return { kind: 'broken', offset };
  }
  if (part.tag !== undefined) {
    reader.report.add(
      'yaml-tag',
      offset,
      `tag "${part.tag.replace('tag:yaml.org,2002:', '!!')}" is not allowed`,
      'remove it; quote the value where it is meant as text',
    );
    return { kind: 'broken', offset };
  }
  if (isScalar(part)) return readScalar(part, offset, reader.report);
  return isMap(part) ? readMap(part, offset, depth, reader) : readList(part as YAMLSeq, offset, depth, reader);
}

function readAlias(alias: Alias, reader: Reader): Node {
  const offset = startOf(alias, 0);
  const found = reader.anchors.get(alias.source);
  if (!found) {
    const help = `a name that begins with "*" is written in quotes: "*${alias.source}"`;
    reader.report.add('yaml-alias', offset, `alias "*${alias.source}" names no anchor that stands before it`, help);
    return { kind: 'broken', offset };
  }
  const before = reader.aliased;
  reader.size += found.size;
  reader.aliased += found.size;
  if (reader.aliased <= MAX_ALIASED) return found.node;
  if (before <= MAX_ALIASED)
    reader.report.add('yaml-alias', offset, `aliases stand for more than ${MAX_ALIASED} values`, 'write the values out');
  return { kind: 'broken', offset };
}

function readList(list: YAMLSeq, offset: number, depth: number, reader: Reader): Node {
  const items: Node[] = [];
  for (const item of list.items) {
    const node =
      isScalar(item) || isMap(item) || isSeq(item) || isAlias(item) ? readNode(item as Part, offset, depth + 1, reader) : undefined;
    if (node) items.push(node);
  }
  return { kind: 'list', offset, items };
}

function readMap(map: YAMLMap, offset: number, depth: number, reader: Reader): Node {
  const entries = new Map<string, Entry>();
  for (const pair of map.items as Pair<Part, Part | null>[]) {
    const key = readKey(pair.key, offset, reader);
    const value = readNode(pair.value, key?.offset ?? offset, depth + 1, reader);
    if (!key) continue;
    if (entries.has(key.text))
      reader.report.add('duplicate-key', key.offset, `key "${key.text}" stands twice`, 'make one of both, or remove one');
    else entries.set(key.text, { key: key.text, offset: key.offset, value });
  }
  return { kind: 'map', offset, entries };
}

function readKey(key: Part | null, fallback: number, reader: Reader): { readonly text: string; readonly offset: number } | undefined {
  const offset = key ? startOf(key, fallback) : fallback;
  if (!isScalar(key) || key.tag !== undefined || key.source === '' || typeof key.value !== 'string') {
    reader.report.add('yaml-key', offset, 'a key is a text', 'quote it');
    return undefined;
  }
  if (key.value === '<<' && key.type === 'PLAIN') {
    reader.report.add('yaml-key', offset, 'merge keys ("<<") are not part of YAML 1.2', 'write the keys out');
    return undefined;
  }
  if (key.anchor) reader.anchors.set(key.anchor, { node: { kind: 'text', text: key.value, offset }, size: 1 });
  return { text: key.value, offset };
}

function startOf(part: Part, fallback: number): number {
  return part.range?.[0] ?? fallback;
}

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;
const LEADING_ZERO = /^[-+]?0\d/;
const GROUPED = /^[-+]?\d[\d_]*_[\d_]*(?:\.[\d_]*)?$/;
const OTHER_BASE = /^[-+]?0[xob][0-9a-fA-F_]+$/;
const NOT_FINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** Reads a scalar; numbers that are no plain decimals are reported. */
export function readScalar(scalar: Scalar, offset: number, report: Report): Node {
  const text = String(scalar.value ?? '');
  if (scalar.type !== 'PLAIN') return { kind: 'text', text, offset };
  if (NULLS.has(text)) return { kind: 'null', offset };
  const truth = TRUTHS.get(text);
  if (truth !== undefined) return { kind: 'boolean', value: truth, offset };
  const trouble = troubleWith(text);
  if (trouble === undefined)
    return NUMBER.test(text) ? { kind: 'number', number: jsonNumber(text), source: text, offset } : { kind: 'text', text, offset };
  report.add('yaml-number', offset, `"${text}" is ${trouble}`, 'write it in decimal digits alone, or quote it');
  return { kind: 'broken', offset };
}

/** SECURITY: YAML 1.1 reads `010` as 8 and `1_000` as 1000, YAML 1.2 does not; a limit must not depend on the reader. */
function troubleWith(text: string): string | undefined {
  if (NOT_FINITE.test(text)) return 'not a finite number';
  if (OTHER_BASE.test(text)) return 'not a decimal number';
  if (GROUPED.test(text)) return 'a number with underscores';
  return NUMBER.test(text) && LEADING_ZERO.test(text) ? 'a number with leading zeros' : undefined;
}

/** JSON's spelling: `+5`, `.5` and `5.` are YAML's only. */
function jsonNumber(text: string): string {
  const unsigned = text.replace(/^[-+]/, '');
  const whole = unsigned.startsWith('.') ? `0${unsigned}` : unsigned;
  return `${text.startsWith('-') ? '-' : ''}${whole.replace(/\.(?=$|[eE])/, '')}`;
}

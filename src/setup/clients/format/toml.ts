/** TOML 1.0 and 1.1. A table may stand in several places; toml-eslint-parser says where. */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import type { Json } from '../../../core/json.ts';
import type { Splice } from '../types.ts';
import { cut, leadOf } from './flow.ts';
import {
  type AddedLine,
  type ArrayTree,
  type ObjectTree,
  type Stand,
  type TextFormat,
  type Tree,
  type TreeMember,
  UnreadableText,
} from './tree.ts';

export const TOML_FORMAT: TextFormat = { parse, write, writeKey, colon: ' = ', comment: /#[^\r\n]*/y, addLine, removeLines };

function parse(text: string): ObjectTree {
  const [program] = parseProgram(text).body;
  const root = newTable({ start: 0, end: text.length });
  for (const part of program.body) {
    if (part.type === 'TOMLKeyValue') addPair(root, part);
    else addTable(root, part);
  }
  return root;
}

function parseProgram(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: '1.1' });
  } catch (error) {
    if (error instanceof ParseError) throw new UnreadableText(`line ${error.lineNumber}: ${lower(error.message)}`);
    throw error;
  }
}

function newTable(stand: Stand, style: ObjectTree['style'] = 'table'): ObjectTree {
  return { kind: 'object', style, members: [], stands: [stand] };
}

function addTable(root: ObjectTree, table: AST.TOMLTable): void {
  const whole = standOf(table);
  const keys = table.key.keys;
  const last = keys.at(-1);
  const parent = walk(root, keys.slice(0, -1), whole);
  if (!last || !parent) return;
  const target = table.kind === 'array' ? pushTable(parent, last, whole) : enter(parent, last, whole);
  for (const pair of target ? table.body : []) addPair(target ?? parent, pair);
}

/** A further table of an array of tables. */
function pushTable(parent: ObjectTree, key: AST.TOMLBare | AST.TOMLQuoted, whole: Stand): ObjectTree {
  const added = newTable(whole);
  const known = parent.members.find((member) => member.key === nameOf(key));
  if (known?.value.kind === 'array') {
    known.keys.push(standOf(key));
    known.whole.push(whole);
    known.value.stands.push(whole);
    (known.value.items as Tree[]).push(added);
    return added;
  }
  const value: ArrayTree = { kind: 'array', style: 'table', items: [added], stands: [whole] };
  parent.members.push({ key: nameOf(key), keys: [standOf(key)], whole: [whole], value });
  return added;
}

function addPair(table: ObjectTree, pair: AST.TOMLKeyValue): void {
  const last = pair.key.keys.at(-1);
  const whole = standOf(pair);
  const parent = walk(table, pair.key.keys.slice(0, -1), whole);
  if (!last || !parent) return;
  parent.members.push({ key: nameOf(last), keys: [standOf(last)], whole: [whole], value: treeOf(pair.value) });
}

function walk(from: ObjectTree, keys: readonly (AST.TOMLBare | AST.TOMLQuoted)[], whole: Stand): ObjectTree | undefined {
  return keys.reduce<ObjectTree | undefined>((table, key) => table && enter(table, key, whole), from);
}

/** The table of that name in a table, made where it is not there. In an array of tables it is the last one. */
function enter(table: ObjectTree, key: AST.TOMLBare | AST.TOMLQuoted, whole: Stand): ObjectTree | undefined {
  const known = table.members.find((member) => member.key === nameOf(key));
  const target = known?.value.kind === 'array' ? known.value.items.at(-1) : known?.value;
  if (known && target?.kind === 'object') {
    known.keys.push(standOf(key));
    known.whole.push(whole);
    known.value.stands.push(whole);
    if (target !== known.value) target.stands.push(whole);
    return target;
  }
  if (known) return undefined;
  const value = newTable(whole);
  table.members.push({ key: nameOf(key), keys: [standOf(key)], whole: [whole], value });
  return value;
}

function treeOf(node: AST.TOMLContentNode): Tree {
  const stands = [standOf(node)];
  if (node.type === 'TOMLArray') return { kind: 'array', style: 'flow', items: node.elements.map(treeOf), stands };
  if (node.type === 'TOMLInlineTable') {
    const table = newTable(standOf(node), 'flow');
    for (const pair of node.body) addPair(table, pair);
    return table;
  }
  return { kind: 'scalar', value: scalarOf(node), stands, isPortable: true };
}

function scalarOf(node: AST.TOMLValue): null | boolean | string | { readonly number: string } {
  if (node.kind === 'string' || node.kind === 'boolean') return node.value;
  return { number: 'number' in node ? node.number : node.datetime };
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === 'TOMLBare' ? key.name : key.value;
}

function standOf({ range: [start, end] }: { readonly range: readonly [number, number] }): Stand {
  return { start, end };
}

/** A literal string needs no escapes, so that a path of Windows stays readable. */
function write(value: Json): string {
  if (typeof value === 'string') return /^[^'\p{Cc}]*\\[^'\p{Cc}]*$/u.test(value) ? `'${value}'` : basic(value);
  if (value === null) throw new UnreadableText('TOML has no null');
  if (value instanceof Map) {
    const members = Array.from(value, ([key, member]) => `${writeKey(key)} = ${write(member)}`);
    return members.length > 0 ? `{ ${members.join(', ')} }` : '{}';
  }
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  return typeof value === 'object' && 'number' in value ? value.number : String(value);
}

/** JSON's escapes are TOML's too; DEL has to be escaped as well. */
function basic(value: string): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007F');
}

function writeKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : basic(key);
}

/** A line of its own behind the member's last line, with the dotted names that the member has. */
function addLine(text: string, after: TreeMember, { key, value, lead }: AddedLine): readonly Splice[] {
  const [whole] = after.whole;
  if (!whole || after.whole.length !== 1) return [];
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const start = text.lastIndexOf('\n', whole.start - 1) + 1;
  const indentation = /^[ \t]*$/.test(text.slice(start, whole.start)) ? text.slice(start, whole.start) : '';
  const end = lineEnd(text, whole.end);
  return [{ start: end, end, text: `${newline}${indentation}${lead}${writeKey(key)} = ${value}` }];
}

function removeLines(text: string, _: ObjectTree, members: readonly TreeMember[]): readonly Splice[] {
  return members.flatMap(({ whole }) => whole.map((stand) => cut(wholeLines(text, stand))));
}

/** The lines of a piece that has its lines for itself, but for a comment; else the piece. */
function wholeLines(text: string, { start, end }: Stand): Stand {
  const lead = leadOf(text, start);
  const rest = text.slice(end, lineEnd(text, end));
  return lead === undefined || rest.trim() !== '' ? { start, end } : { start: start - lead.length, end: end + rest.length };
}

/** The end of a line, before what ends it. */
export function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  if (at < 0) return text.length;
  return text[at - 1] === '\r' ? at - 1 : at;
}

/** A message of a parser, as messages here begin. */
export function lower(message: string): string {
  return `${message.slice(0, 1).toLowerCase()}${message.slice(1)}`;
}

/** JSON, with the comments and trailing commas that most clients let pass. Read by jsonc-parser, for its places. */
import { type Node as JsonNode, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { jsonText, type ObjectTree, type Stand, type TextFormat, type Tree, type TreeMember, UnreadableText } from './tree.ts';

export const JSON_FORMAT: TextFormat = {
  parse,
  write: jsonText,
  writeKey: (key) => JSON.stringify(key),
  colon: ': ',
  comment: /\/\/[^\r\n]*|\/\*[\s\S]*?\*\//y,
  addLine: () => [],
  removeLines: () => [],
};

function parse(text: string): ObjectTree {
  if (text.trim() === '') return { kind: 'object', style: 'flow', members: [], stands: [{ start: 0, end: 0 }], trap: 'the file is empty' };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first) throw new UnreadableText(`line ${lineOf(text, first.offset)}: ${wordsOf(first)}`);
  if (root?.type !== 'object') throw new UnreadableText('it holds no object');
  return objectOf(root, text);
}

function treeOf(node: JsonNode, text: string): Tree {
  const stands = [standOf(node)];
  if (node.type === 'object') return objectOf(node, text);
  if (node.type === 'array')
    return { kind: 'array', style: 'flow', items: (node.children ?? []).map((item) => treeOf(item, text)), stands };
  const value = node.type === 'number' ? { number: text.slice(node.offset, node.offset + node.length) } : node.value;
  return { kind: 'scalar', value, stands, isPortable: true };
}

function objectOf(node: JsonNode, text: string): ObjectTree {
  const seen = new Set<string>();
  const members = (node.children ?? []).map((property) => memberOf(property, seen, text));
  return { kind: 'object', style: 'flow', members, stands: [standOf(node)] };
}

function memberOf({ children = [], offset, length }: JsonNode, seen: Set<string>, text: string): TreeMember {
  const [key, value] = children;
  if (!key || !value) throw new UnreadableText(`line ${lineOf(text, offset)}: a key without a value`);
  const name: string = key.value;
  // One reader takes the first of two, another the last.
  if (seen.has(name)) throw new UnreadableText(`line ${lineOf(text, offset)}: the key ${JSON.stringify(name)} stands twice`);
  seen.add(name);
  return { key: name, keys: [standOf(key)], whole: [{ start: offset, end: offset + length }], value: treeOf(value, text) };
}

function standOf({ offset, length }: JsonNode): Stand {
  return { start: offset, end: offset + length };
}

/** The line of an offset, from 1. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function wordsOf({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

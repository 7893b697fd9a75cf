/** What the strict reader has to do with a text, said again from wire.md §2 and written in another way. */
import { blur, objectsOf, readTree, stringsOf, type Tree } from './other-readers.ts';

const ENVELOPE = ['jsonrpc', 'id', 'method', 'params', 'result', 'error', '_meta'];
const PARAMS = ['name', 'arguments', 'uri', 'task', '_meta', 'cursor', 'inputResponses', 'requestState', 'taskId'];
const RESULT = ['resultType', 'isError', 'structuredContent', '_meta', 'content'];

export type Expectation = 'refuse' | 'accept' | 'batch';

/** Whether one line is to be accepted; a batch's elements are judged one by one with `expectMessage`. */
export function expectFrame(bytes: Uint8Array): Expectation {
  const tree = soundTree(bytes);
  if (!tree) return 'refuse';
  if (tree.kind !== 'array') return expectMessage(tree) ? 'accept' : 'refuse';
  return tree.items.length > 0 && tree.items.every((item) => item.kind !== 'array') ? 'batch' : 'refuse';
}

/** The tree of a line that §2.2 and §2.6 let pass. */
export function soundTree(bytes: Uint8Array): Tree | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
  } catch {
    return undefined;
  }
  if (/[\t\r\n]/.test(text)) return undefined;
  const tree = readTree(text);
  const twice = objectsOf(tree).some((pairs) => new Set(pairs.map(([key]) => key)).size !== pairs.length);
  return twice || tree.depth > 256 || stringsOf(tree).some((part) => !part.isWellFormed()) ? undefined : tree;
}

/** §2.3 and §2.4 for one message. */
export function expectMessage(tree: Tree): boolean {
  if (tree.kind !== 'object' || looksAlike(tree, ENVELOPE)) return false;
  const member = new Map(tree.pairs);
  const [id, method, params, result, error] = ['id', 'method', 'params', 'result', 'error'].map((key) => member.get(key));
  if (plain(member.get('jsonrpc')) !== '2.0') return false;
  if (method) {
    if (result || error || typeof plain(method) !== 'string' || tooLong(plain(method) as string) || (id && !isId(id))) return false;
    return !params || isNull(params) || (params.kind === 'object' && !looksAlike(params, PARAMS));
  }
  if (!result === !error || looksAlike(result, RESULT)) return false;
  if (error && error.kind !== 'object') return false;
  return error && (!id || isNull(id)) ? true : id !== undefined && isId(id);
}

function plain(tree: Tree | undefined): unknown {
  return tree?.kind === 'leaf' ? tree.value : undefined;
}

function isNull(tree: Tree): boolean {
  return tree.kind === 'leaf' && tree.value === null;
}

function isId(tree: Tree): boolean {
  if (tree.kind !== 'leaf') return false;
  return typeof tree.value === 'string' ? Buffer.byteLength(tree.text) <= 1026 : /^-?\d{1,1026}$/.test(tree.text);
}

function tooLong(text: string): boolean {
  return Buffer.byteLength(text) > 1024;
}

function looksAlike(tree: Tree | undefined, keys: readonly string[]): boolean {
  if (tree?.kind !== 'object') return false;
  return tree.pairs.some(([key]) => !keys.includes(key) && keys.some((wanted) => blur(wanted) === blur(key)));
}

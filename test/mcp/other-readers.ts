/**
 * JSON read in other ways, to compare with: pairs in order with nothing lost, and what a reader makes of them that
 * ignores case, normalises keys, drops what does not show and lets the last one win. Shares nothing with src/mcp.
 */
export type Tree =
  | { readonly kind: 'object'; readonly pairs: readonly (readonly [string, Tree])[]; readonly depth: number }
  | { readonly kind: 'array'; readonly items: readonly Tree[]; readonly depth: number }
  | { readonly kind: 'leaf'; readonly text: string; readonly value: unknown; readonly depth: 0 };

const TOKEN = /[ \t\n\r]*(?:("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*|true|false|null)|([{}[\],:]))/y;

/** The tree of a text that JSON.parse accepts; keys decoded, duplicates kept. */
export function readTree(text: string): Tree {
  const tokens = tokenize(text);
  let at = 0;
  function value(): Tree {
    const token = tokens[at++] ?? '';
    if (token === '{') return object();
    if (token === '[') return array();
    return { kind: 'leaf', text: token, value: JSON.parse(token), depth: 0 };
  }
  function object(): Tree {
    const pairs: [string, Tree][] = [];
    while (tokens[at] !== '}') {
      if (tokens[at] === ',') at++;
      const key = JSON.parse(tokens[at] ?? '');
      at += 2;
      pairs.push([key, value()]);
    }
    at++;
    return { kind: 'object', pairs, depth: 1 + Math.max(0, ...pairs.map(([, item]) => item.depth)) };
  }
  function array(): Tree {
    const items: Tree[] = [];
    while (tokens[at] !== ']') {
      if (tokens[at] === ',') at++;
      items.push(value());
    }
    at++;
    return { kind: 'array', items, depth: 1 + Math.max(0, ...items.map((item) => item.depth)) };
  }
  return value();
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) tokens.push(found[1] ?? found[2] ?? found[3] ?? '');
  return tokens;
}

/** Every object of the tree, the root included. */
export function objectsOf(tree: Tree): (readonly (readonly [string, Tree])[])[] {
  if (tree.kind === 'leaf') return [];
  if (tree.kind === 'array') return tree.items.flatMap(objectsOf);
  return [tree.pairs, ...tree.pairs.flatMap(([, item]) => objectsOf(item))];
}

/** Every string of the tree, keys included. */
export function stringsOf(tree: Tree): string[] {
  if (tree.kind === 'leaf') return typeof tree.value === 'string' ? [tree.value] : [];
  if (tree.kind === 'array') return tree.items.flatMap(stringsOf);
  return tree.pairs.flatMap(([key, item]) => [key, ...stringsOf(item)]);
}

/** What the laxest readers take a key for. */
export function blur(key: string): string {
  const shown = (key.split('\0')[0] ?? '').normalize('NFKC').replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\ufffd]/gu, '');
  return shown.toUpperCase().toLowerCase().normalize('NFKC').replaceAll('i\u0307', 'i').trim();
}

/** The member that such a reader finds under a key: the last that looks like it. */
export function laxMember(tree: Tree | undefined, key: string): Tree | undefined {
  if (tree?.kind !== 'object') return undefined;
  return tree.pairs.findLast(([name]) => blur(name) === blur(key))?.[1];
}

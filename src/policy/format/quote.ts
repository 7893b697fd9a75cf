/** Values of a policy as messages quote them, and as a help writes them down. */
import type { Node } from './tree.ts';

const LONGEST = 60;
/** Texts that every reader of YAML takes as they stand. */
const PLAIN = /^(?:[A-Za-z_/$][\w./*:@${}-]*|\d+\/[a-z]+)$/;
const OTHER = /^(?:true|false|null|yes|no|on|off|y|n)$|:$/i;

/** Quotes a value for messages. */
export function quote(node: Node): string {
  switch (node.kind) {
    case 'null':
      return 'nothing';
    case 'boolean':
      return String(node.value);
    case 'number':
      return node.source;
    case 'text':
      return JSON.stringify(node.text.length > LONGEST ? `${node.text.slice(0, LONGEST)}…` : node.text);
    default:
      return `a ${node.kind}`;
  }
}

/** A value as one may write it on one line; a placeholder where it would be too long to be of use. */
export function inline(node: Node): string {
  const text = inlineWhole(node);
  return text.length > LONGEST ? '…' : text;
}

function inlineWhole(node: Node): string {
  switch (node.kind) {
    case 'text':
      return inlineText(node.text);
    case 'list':
      return `[${node.items.slice(0, LONGEST).map(inline).join(', ')}]`;
    case 'map':
      return `{${[...node.entries.values()]
        .slice(0, LONGEST)
        .map(({ key, value }) => `${inlineText(key)}: ${inline(value)}`)
        .join(', ')}}`;
    case 'broken':
      return '…';
    case 'null':
      return 'null';
    default:
      return quote(node);
  }
}

/** A text as it is written in YAML: quoted where readers could take it for something else. */
export function inlineText(text: string): string {
  return PLAIN.test(text) && !OTHER.test(text) ? text : JSON.stringify(text);
}

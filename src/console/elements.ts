/**
 * The nodes that pages are made of. SECURITY: they are built, never parsed from markup, so that no text of an agent can
 * become part of the page.
 */
import type { Piece } from '../core/reveal.ts';

/** The children that an element may hold; null is left out. */
export type Child = string | Node | null | readonly Child[];

/** Makes an element. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  append(node, children);
  return node;
}

function append(node: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null) continue;
    if (typeof child === 'string') node.appendChild(document.createTextNode(child));
    else if (child instanceof Node) node.appendChild(child);
    else append(node, child);
  }
}

/** The main heading of a view, which gets the focus when the view appears. */
export function heading(text: string): HTMLElement {
  return h('h1', { tabindex: '-1' }, text);
}

/** A text for those who listen. */
export function heard(text: string): HTMLElement {
  return h('span', { class: 'hidden' }, text);
}

/** A stranger's text: each piece says what it is. */
export function pieces(list: readonly Piece[], layout: 'lines' | 'one line' = 'lines'): HTMLElement {
  return h(
    'span',
    { class: 'text', dir: 'ltr' },
    list.map((piece) => [pieceOf(piece), layout === 'lines' && piece.kind === 'unseen' && piece.breaks ? h('br', {}) : null]),
  );
}

function pieceOf(piece: Piece): Child {
  switch (piece.kind) {
    case 'plain':
      return piece.text;
    case 'foreign':
      return h('bdi', { class: 'foreign', title: 'beyond ASCII' }, piece.text);
    case 'look_alike':
      return h('mark', { class: 'alike' }, h('b', {}, h('bdi', {}, piece.text)), ` ${piece.label}`);
    case 'unseen':
      return piece.text === '\n'
        ? h('mark', { class: 'unseen', title: piece.label }, h('span', { 'aria-hidden': 'true' }, '↵'), heard(' line feed '))
        : h('mark', { class: 'unseen' }, piece.label);
  }
}

/** A stranger's text, or what stands for it where there is none. */
export function optional(list: readonly Piece[] | null, none: string): HTMLElement {
  return list === null ? h('span', { class: 'soft' }, none) : pieces(list);
}

/** The pieces as one text, for an attribute. */
export function plainText(list: readonly Piece[]): string {
  return list.map((piece) => (piece.kind === 'unseen' ? piece.label : piece.text)).join('');
}

/** Renders the caller: the agent's name, and the credential that it brought. */
export function agentName({
  agent,
  credential,
}: {
  readonly agent: readonly Piece[] | null;
  readonly credential: readonly Piece[] | null;
}): HTMLElement {
  const name = optional(agent, 'not known');
  return credential === null ? name : h('span', {}, name, ', credential ', pieces(credential), '…');
}

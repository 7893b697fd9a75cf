/** The policy of the server that is shown, as it will be written, and what validation says of it. */
import { h, pieces } from '../elements.ts';
import type { DiagnosticLine, ServerRules } from './api.ts';
import { type PolicyBlock, policyBlocks } from './blocks.ts';
import { button } from './setup.ts';

export interface PolicyPane {
  readonly node: HTMLElement;
  show(isShown: boolean): void;
  take(rules: ServerRules): void;
  /** Marks the lines of a tool, and brings them into sight. */
  pointAt(tool: string): void;
  /** On a small screen: opens and closes it. */
  toggle(): void;
}

/** An empty pane. */
export function openPolicy(): PolicyPane {
  const verdict = h('div', { class: 'verdict' });
  const code = h('pre', { class: 'code', tabindex: '0', role: 'region', 'aria-label': 'The policy as it will be written' });
  const close = button({ class: 'quiet policy-close' }, 'Close', () => node.classList.remove('open'));
  const node = h(
    'aside',
    { class: 'policy', id: 'policy', 'aria-label': 'Policy' },
    h('div', { class: 'policy-head' }, h('h2', {}, 'Policy'), close),
    verdict,
    code,
  );
  let lines: readonly HTMLElement[] = [];
  let blocks: ReadonlyMap<string, PolicyBlock> = new Map();
  let pointed: string | undefined;
  const mark = (isMoved: boolean) => {
    for (const line of code.querySelectorAll('.here')) line.classList.remove('here');
    const block = pointed === undefined ? undefined : blocks.get(pointed);
    if (!block) return;
    for (const line of lines.slice(block.from, block.to)) line.classList.add('here');
    const top = lines[block.from]?.offsetTop ?? 0;
    if (isMoved) code.scrollTop = Math.max(0, top - code.clientHeight / 3);
  };
  const goTo = (line: number) => {
    code.scrollTop = Math.max(0, (lines[line - 1]?.offsetTop ?? 0) - code.clientHeight / 3);
    code.focus();
  };
  return {
    node,
    show(isShown) {
      node.hidden = !isShown;
    },
    take({ text, moreLines, diagnostics, leftOut }) {
      const written = text.split('\n');
      const severities = new Map(diagnostics.toReversed().map(({ line, severity }) => [line, severity]));
      lines = written.map((line, index) => lineOf(line, severities.get(index + 1) ?? ''));
      blocks = policyBlocks(written);
      const top = code.scrollTop;
      code.replaceChildren(...lines, ...(moreLines > 0 ? [h('span', { class: 'line soft' }, `… and ${moreLines} more lines`)] : []));
      code.scrollTop = top;
      verdict.replaceChildren(...verdictOf(diagnostics, leftOut, goTo));
      mark(false);
    },
    pointAt(tool) {
      if (tool === pointed) return;
      pointed = tool;
      mark(true);
    },
    toggle() {
      if (node.classList.toggle('open')) code.focus();
    },
  };
}

/** One line, coloured by what it is. */
function lineOf(text: string, severity: string): HTMLElement {
  const node = h('span', { class: `line ${severity}` });
  const [, blank = '', comment, key, rest = ''] = /^( *)(?:(#.*)|((?:- )?(?:"(?:[^"\\]|\\.)*"|[\w*.$-]+):)?(.*))$/.exec(text) ?? [];
  node.append(
    blank,
    ...(comment ? [h('span', { class: 'comment' }, comment)] : []),
    ...(key ? [h('span', { class: 'key' }, key)] : []),
    rest,
    '\n',
  );
  return node;
}

function verdictOf(diagnostics: readonly DiagnosticLine[], leftOut: ServerRules['leftOut'], goTo: (line: number) => void): readonly Node[] {
  const left = leftOut.map(({ name, why }) => h('li', { class: 'prose' }, 'Left out: ', pieces(name), ': ', pieces(why)));
  if (diagnostics.length + left.length === 0) return [h('p', { class: 'fine' }, 'Valid')];
  const found = diagnostics.map(({ severity, line, message, help, code }) =>
    h(
      'li',
      { class: `prose ${severity}` },
      button({ class: 'place' }, `line ${line}`, () => goTo(line)),
      h('b', {}, severity),
      ' ',
      pieces(message),
      help.length > 0 ? h('span', { class: 'soft' }, ' ', pieces(help)) : null,
      h('span', { class: 'soft' }, ` ${code}`),
    ),
  );
  return [h('ul', { class: 'diagnostics', 'aria-label': 'What validation says' }, found, left)];
}

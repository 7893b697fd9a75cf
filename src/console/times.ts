/** Times that go on while they are shown. */
import { h } from './elements.ts';

/** The times of one view, from when it was made. */
export interface Times {
  /** The time that is left. */
  left(ms: number): HTMLElement;
  /** The time that has passed since. */
  age(ms: number): HTMLElement;
  /** Shows the part of the `whole` that is left. */
  bar(ms: number, whole: number): HTMLElement;
  /** Brings all of them up to date. */
  tick(): void;
}

/** Begins to count. */
export function openTimes(): Times {
  const from = performance.now();
  const shown: ((passed: number) => void)[] = [];
  const keep = (render: (passed: number) => void) => {
    render(0);
    shown.push(render);
  };
  const text = (tag: 'strong' | 'span', render: (passed: number) => string) => {
    const node = h(tag, {});
    keep((passed) => {
      node.textContent = render(passed);
    });
    return node;
  };
  return {
    left: (ms) => text('strong', (passed) => spanOf(ms - passed)),
    age: (ms) => text('span', (passed) => (ms + passed < 1_000 ? 'just now' : `${spanOf(ms + passed)} ago`)),
    bar(ms, whole) {
      const fill = h('div', { id: 'bar' });
      keep((passed) => fill.style.setProperty('width', `${Math.max(0, Math.min(100, (100 * (ms - passed)) / whole))}%`));
      return h('div', { class: 'bar', 'aria-hidden': 'true' }, fill);
    },
    tick() {
      const passed = performance.now() - from;
      for (const render of shown) render(passed);
    },
  };
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** A span in its two largest units. */
function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const first = UNITS.findIndex(([size]) => seconds >= size);
  const [size, unit] = UNITS[first] ?? [1, 's'];
  const [lower, lowerUnit] = UNITS[first + 1] ?? [1, 's'];
  const rest = Math.floor((seconds % size) / lower);
  const head = `${Math.floor(seconds / size)} ${unit}`;
  return first >= 0 && rest > 0 ? `${head} ${rest} ${lowerUnit}` : head;
}

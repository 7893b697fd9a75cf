/** What a screen reader and weak eyes need of a page, checked where it stands (WCAG 2.2 AA, the parts a program can see). */
import type { Page } from 'playwright-core';

/** Answers with what is wrong. */
export function faultsOf(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(${look.toString()})()`) as Promise<readonly string[]>;
}

/** Runs in the page, so it refers to nothing outside of it. */
function look(): readonly string[] {
  const faults: string[] = [];
  const say = (what: string, node: Element) => faults.push(`${what}: ${node.outerHTML.slice(0, 120)}`);
  const channel = (value: number) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parse = (text: string) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const light = (colour: readonly number[]) => {
    const [r = 0, g = 0, b = 0] = colour.map((value) => channel(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node: Element | null): readonly number[] => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if ((colour[3] ?? 1) > 0) return colour;
    }
    return [255, 255, 255];
  };
  if (!document.documentElement.lang) faults.push('the page has no language');
  if (document.querySelectorAll('h1').length !== 1) faults.push(`${document.querySelectorAll('h1').length} main headings`);
  if (document.querySelectorAll('main').length !== 1) faults.push('no main landmark');
  if (!document.querySelector('[role=status][aria-live=polite]')) faults.push('nothing is said aloud');
  const levels = [...document.querySelectorAll('h1,h2,h3,h4')].map((node) => Number(node.tagName[1]));
  levels.forEach((level, index) => {
    if (level > (levels[index - 1] ?? 0) + 1) faults.push(`heading ${level} after ${levels[index - 1]}`);
  });
  for (const field of document.querySelectorAll<HTMLInputElement>('input, textarea, select'))
    if (!field.labels?.length && !field.ariaLabel) say('a field without label', field);
  for (const button of document.querySelectorAll<HTMLElement>('button, a')) {
    if (!button.textContent?.trim() && !button.ariaLabel) say('nothing to read on', button);
    const { width, height } = button.getBoundingClientRect();
    if (button.tagName === 'BUTTON' && width > 0 && (width < 24 || height < 24)) say('too small to touch', button);
  }
  for (const node of document.querySelectorAll<HTMLElement>('[tabindex]')) if (node.tabIndex > 0) say('an order of its own', node);
  for (const id of [...document.querySelectorAll('[id]')].map((node) => node.id))
    if (document.querySelectorAll(`[id="${id}"]`).length > 1) faults.push(`two of #${id}`);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement as HTMLElement;
    if (!texts.currentNode.textContent?.trim() || node.closest('script, style, noscript, .hidden, [disabled]') || !node.offsetParent)
      continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parse(style.color)), light(ground(node))].sort((x, y) => y - x) as [number, number];
    if ((a + 0.05) / (b + 0.05) < 4.5) say(`contrast ${((a + 0.05) / (b + 0.05)).toFixed(2)}`, node);
  }
  return [...new Set(faults)];
}

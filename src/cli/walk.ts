/** The walk of a call as people read it: each rule that was looked at, each clause, what it found and what it said. */
import { rulesOf, type WalkedRule } from '../authoring/explain.ts';
import type { TraceEntry } from '../core/decision.ts';
import { type Colour, type Paint, shown } from './paint.ts';

/** Lines of text, without indentation of their own. */
export function renderWalk(trace: readonly TraceEntry[], paint: Paint): readonly string[] {
  const rules = rulesOf(trace);
  return rules.flatMap((rule, index) => {
    const heading = rules[index - 1]?.key === rule.key ? [] : [paint('bold', shown(rule.key))];
    return [...heading, ...renderRule(rule, paint).map((line) => `  ${line}`)];
  });
}

function renderRule({ rule, shadow, verdict, why, clauses }: WalkedRule, paint: Paint): readonly string[] {
  const note = [...(shadow ? ['shadow'] : []), ...(why === '' ? [] : [shown(why)])].join('; ');
  const head = `${paint(colourOf(verdict), verdict.padEnd(12))} ${shown(rule)}${note && paint('dim', `  (${note})`)}`;
  return [head, ...clauses.map((clause) => `  ${renderClause(clause, paint)}`)];
}

function renderClause({ clause, found, verdict }: TraceEntry, paint: Paint): string {
  return `${paint(colourOf(verdict), verdict.padEnd(12))} ${shown(clause)}${found === '' ? '' : paint('dim', `  ← ${shown(found)}`)}`;
}

function colourOf(verdict: TraceEntry['verdict']): Colour {
  switch (verdict) {
    case 'passes':
    case 'true':
    case 'silent':
      return 'green';
    case 'fails':
    case 'false':
    case 'fires':
      return 'red';
    case 'unknown':
    case 'at the store':
      return 'yellow';
    case 'skipped':
    case 'not bound':
      return 'dim';
  }
}

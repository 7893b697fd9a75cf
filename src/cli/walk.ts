/** The walk of a call as people read it: each rule that was looked at, each clause, what it found and what it said. */
import { rulesOf, type WalkedRule } from '../authoring/explain.ts';
import type { Decision, Denial, TraceEntry } from '../core/decision.ts';
import { type Colour, type Paint, shown } from './paint.ts';

/** Lines of text, without indentation of their own. With the decision, a rule that the store denied by does not pass. */
export function renderWalk(trace: readonly TraceEntry[], paint: Paint, decision?: Decision): readonly string[] {
  const rules = rulesOf(trace).map((rule) =>
    decision?.outcome === 'deny' ? { ...rule, verdict: verdictAt(rule, decision.denial) } : rule,
  );
  return rules.flatMap((rule, index) => {
    const heading = rules[index - 1]?.key === rule.key ? [] : [paint('bold', shown(rule.key))];
    return [...heading, ...renderRule(rule, paint).map((line) => `  ${line}`)];
  });
}

/** The walk itself does not ask the store: of a denied call, what stands there is known of the one rule that denies it. */
function verdictAt({ rule, verdict, clauses }: WalkedRule, denial: Denial): TraceEntry['verdict'] {
  if (verdict !== 'passes' || !clauses.some((clause) => clause.verdict === 'at the store')) return verdict;
  return rule === denial.rule ? 'fails' : 'at the store';
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

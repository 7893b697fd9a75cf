/** Plain and quoted YAML scalars: what is a number, what is text, and what two readers would take differently. */
import type { Scalar } from 'yaml';
import type { Report } from '../report.ts';
import type { Node } from './tree.ts';

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;
const LEADING_ZERO = /^[-+]?0\d/;
const GROUPED = /^[-+]?\d[\d_]*_[\d_]*(?:\.[\d_]*)?$/;
const OTHER_BASE = /^[-+]?0[xob][0-9a-fA-F_]+$/;
const NOT_FINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** Reads a scalar; numbers that are no plain decimals are reported. */
export function readScalar(scalar: Scalar, offset: number, report: Report): Node {
  const text = String(scalar.value ?? '');
  if (scalar.type !== 'PLAIN') return { kind: 'text', text, offset };
  if (NULLS.has(text)) return { kind: 'null', offset };
  const truth = TRUTHS.get(text);
  if (truth !== undefined) return { kind: 'boolean', value: truth, offset };
  const trouble = troubleWith(text);
  if (trouble === undefined)
    return NUMBER.test(text) ? { kind: 'number', number: jsonNumber(text), source: text, offset } : { kind: 'text', text, offset };
  report.add('yaml-number', offset, `"${text}" is ${trouble}`, 'write it in decimal digits alone, or quote it');
  return { kind: 'broken', offset };
}

/** SECURITY: YAML 1.1 reads `010` as 8 and `1_000` as 1000, YAML 1.2 does not; a limit must not depend on the reader. */
function troubleWith(text: string): string | undefined {
  if (NOT_FINITE.test(text)) return 'not a finite number';
  if (OTHER_BASE.test(text)) return 'not a decimal number';
  if (GROUPED.test(text)) return 'a number with underscores';
  return NUMBER.test(text) && LEADING_ZERO.test(text) ? 'a number with leading zeros' : undefined;
}

/** JSON's spelling: `+5`, `.5` and `5.` are YAML's only. */
function jsonNumber(text: string): string {
  const unsigned = text.replace(/^[-+]/, '');
  const whole = unsigned.startsWith('.') ? `0${unsigned}` : unsigned;
  return `${text.startsWith('-') ? '-' : ''}${whole.replace(/\.(?=$|[eE])/, '')}`;
}

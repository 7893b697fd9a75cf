/**
 * JSON Schema 2020-12 over our own JSON values (policy.md §3): patterns run in RE2, numbers compare by exact value, work
 * is bounded, and whatever cannot be judged denies.
 */
import { isArray, isObject, type Json } from '../../core/json.ts';
import { openNewest } from '../../core/newest.ts';
import type { SchemaCheck } from '../../core/policy.ts';
import { loadRegexCompiler, openWork, type RegexCompiler } from './regex.ts';
import { checkNode, type Misfit } from './schema-check.ts';
import type { SchemaNode } from './schema-node.ts';
import { openPatterns } from './schema-patterns.ts';
import { readSchema } from './schema-read.ts';
import { openReading, type SchemaFault } from './schema-reading.ts';
import { linkSchema } from './schema-refs.ts';

interface CompiledSchema {
  /** Everything that is wrong with it, strict faults included. */
  readonly faults: readonly SchemaFault[];
  /** Denies always where a fault is not merely strict. */
  readonly check: SchemaCheck;
  /** About how many bytes it holds. */
  readonly weight: number;
}

export type SchemaCompiler = (schema: Json) => CompiledSchema;

const MAX_SIZE = 262_144;
const TOO_LARGE: readonly SchemaFault[] = [{ path: [], message: 'it is over 256 KiB' }];

/** Loads the engine. The compiler never throws. */
export async function loadSchemas(): Promise<SchemaCompiler> {
  const regex = await loadRegexCompiler();
  return (schema) => {
    const size = sizeOf(schema);
    return size > MAX_SIZE ? { faults: TOO_LARGE, check: denying(TOO_LARGE), weight: 0 } : compileSchema(schema, size, regex);
  };
}

/** Of a server's compiled schemas the newest are kept: so many, and so many bytes. */
const KEPT = 256;
const KEPT_BYTES = 128 * 1024 ** 2;

/** A schema that is read once it is needed; equal keys are equal schemas. */
interface KeyedSchema {
  readonly key: string;
  readonly read: () => Json;
}

/** A compiler for schemas that are not the policy's own: what is wrong with one shows when it judges. */
export async function loadSchemaCompiler(): Promise<(schema: KeyedSchema) => SchemaCheck> {
  const compile = await loadSchemas();
  const known = openNewest<SchemaCheck>(KEPT, KEPT_BYTES);
  return ({ key, read }) => {
    const found = known.get(key);
    if (found) return found;
    const { check, weight } = compile(read());
    known.set(key, check, weight);
    return check;
  };
}

/** Measured: what a character of a schema becomes, and an instruction of a pattern. */
const BYTES_PER_CHARACTER = 20;
const BYTES_PER_STEP = 700;

function compileSchema(schema: Json, size: number, regex: RegexCompiler): CompiledSchema {
  const patterns = openPatterns(regex);
  const reading = openReading(patterns.compile);
  const root = readSchema(schema, undefined, undefined, reading);
  linkSchema(reading);
  const { faults } = reading;
  const weight = size * BYTES_PER_CHARACTER + patterns.size() * BYTES_PER_STEP;
  return { faults, check: reading.unusable ? denying(faults) : openCheck(root), weight };
}

function denying(faults: readonly SchemaFault[]): SchemaCheck {
  const why = `the schema can not be used: ${faults.find((fault) => !fault.strict)?.message ?? 'it is not known'}`;
  return () => ({ ok: false, why });
}

function openCheck(root: SchemaNode): SchemaCheck {
  return (value) => {
    try {
      const found = checkNode(root, value, { work: openWork(), weights: new WeakMap() });
      return found ? { ok: false, why: render(found) } : { ok: true };
    } catch (error) {
      // INVARIANT I2: what ends in an error is no pass.
      return { ok: false, why: error instanceof Error ? error.message : String(error) };
    }
  };
}

function render({ keyword, name, path }: Misfit): string {
  const place = path
    .toReversed()
    .map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
  const detail = name === undefined ? '' : ` (${JSON.stringify(name.slice(0, 100))})`;
  return `${place.slice(0, 200) || 'the value'} fails "${keyword}"${detail}`;
}

/** About the length of its JSON text. */
function sizeOf(value: Json): number {
  if (typeof value === 'string') return value.length + 2;
  if (isArray(value)) return value.reduce<number>((size, item) => size + sizeOf(item) + 1, 2);
  if (isObject(value)) return [...value].reduce((size, [key, member]) => size + key.length + sizeOf(member) + 4, 2);
  return 4;
}

/**
 * JSON Schema 2020-12 over our own JSON values (policy.md §3): patterns run in RE2, numbers compare by exact value, and
 * whatever can not be judged denies.
 */

import type { ErrorObject, ValidateFunction } from 'ajv';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import { canonicalText } from '../core/fingerprint.ts';
import { isArray, isObject, type Json } from '../core/json.ts';
import type { SchemaCheck } from '../core/policy.ts';
import { loadRegexCompiler, type RegexCompiler } from './regex.ts';
import { exactKeywords } from './schema-exact.ts';
import { openPlainer, type Plainer } from './schema-value.ts';
import { type PlainSchema, type SchemaFault, STEP, walkSchema } from './schema-walk.ts';

interface CompiledSchema {
  /** What is wrong with it, strict faults included. */
  readonly faults: readonly SchemaFault[];
  /** Denies always where a fault is not merely strict. */
  readonly check: SchemaCheck;
}

export type SchemaCompiler = (schema: Json) => CompiledSchema;

const MAX_SIZE = 262_144;

interface Engine {
  readonly Ajv: typeof Ajv2020;
  readonly regex: RegexCompiler;
}

/** Loads the engine. The compiler never throws, and compiles the same schema once. */
export async function loadSchemas(): Promise<SchemaCompiler> {
  const [{ Ajv2020: Ajv }, regex] = await Promise.all([import('ajv/dist/2020.js'), loadRegexCompiler()]);
  const known = new Map<string, CompiledSchema>();
  return (schema) => {
    if (sizeOf(schema) > MAX_SIZE) return denied([{ path: [], message: 'it is over 256 KiB' }]);
    const text = canonicalText(schema);
    const compiled = known.get(text) ?? compileSchema(schema, { Ajv, regex });
    known.set(text, compiled);
    return compiled;
  };
}

/** A compiler for schemas that are not the policy's own: what is wrong with one shows when it judges. */
export async function loadSchemaCompiler(): Promise<(schema: Json) => SchemaCheck> {
  const compile = await loadSchemas();
  return (schema) => compile(schema).check;
}

function compileSchema(schema: Json, engine: Engine): CompiledSchema {
  const { plain, faults } = walkSchema(schema, engine.regex);
  if (faults.some((fault) => !fault.strict)) return denied(faults);
  const steps = openSteps();
  try {
    const validate = openEngine(engine, steps).compile(plain as Exclude<PlainSchema, boolean>);
    return { faults, check: openCheck(validate, steps) };
  } catch (error) {
    return denied([...faults, { path: [], message: explain(error), help: undefined }]);
  }
}

function denied(faults: readonly SchemaFault[]): CompiledSchema {
  const why = faults.find((fault) => !fault.strict)?.message ?? 'it can not be compiled';
  return { faults, check: () => ({ ok: false, why: `the schema can not be used: ${why}` }) };
}

function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const missing = /^can't resolve reference (\S+)/.exec(text);
  return missing ? `"$ref" ${JSON.stringify(missing[1])} names nothing inside the schema` : text.slice(0, 300);
}

/** An engine for one schema: ids of one schema never name anything for another. */
function openEngine({ Ajv, regex }: Engine, steps: Steps): Ajv2020 {
  const ajv = new Ajv({
    meta: false,
    validateSchema: false,
    strict: false,
    logger: false,
    messages: false,
    validateFormats: false,
    // Values have no prototype already; this says so to the engine, too.
    ownProperties: true,
    code: { regExp: Object.assign((pattern: string) => toMatcher(pattern, regex), { code: 'RE2' }) },
  });
  for (const definition of exactKeywords()) ajv.removeKeyword(String(definition.keyword)).addKeyword(definition);
  return ajv.addKeyword({ keyword: STEP, before: '$ref', errors: false, validate: steps.take });
}

/** The engine tells patterns apart by their text. */
function toMatcher(pattern: string, regex: RegexCompiler): { test(text: string): boolean } {
  const compiled = regex(pattern);
  if (!compiled.ok) throw new Error(compiled.why);
  return Object.assign(Object.create({ toString: () => pattern }), { test: compiled.matches });
}

interface Steps {
  readonly take: () => boolean;
  readonly allow: (steps: number) => void;
}

/** SECURITY: schemas that refer to themselves can double the work at every level; a check ends after so many steps. */
function openSteps(): Steps {
  let left = 0;
  return {
    take: () => {
      if (left-- <= 0) throw new Error('the schema takes too many steps');
      return true;
    },
    allow: (steps) => {
      left = steps;
    },
  };
}

function stepsFor(plainer: Plainer): number {
  return Math.min(100_000 + 100 * plainer.count(), 10_000_000);
}

function openCheck(validate: ValidateFunction, steps: Steps): SchemaCheck {
  return (value) => {
    try {
      const plainer = openPlainer();
      const plain = plainer.plain(value);
      steps.allow(stepsFor(plainer));
      // INVARIANT I2: only `true` is a pass; a promise or anything else is not.
      return validate(plain) === true ? { ok: true } : { ok: false, why: render(validate.errors?.[0]) };
    } catch (error) {
      return { ok: false, why: error instanceof Error ? error.message : String(error) };
    }
  };
}

function render(error: ErrorObject | undefined): string {
  if (!error) return 'it does not satisfy the schema';
  const { missingProperty, additionalProperty } = error.params as {
    readonly missingProperty?: string;
    readonly additionalProperty?: string;
  };
  const name = missingProperty ?? additionalProperty;
  const detail = name === undefined ? '' : ` (${JSON.stringify(name.slice(0, 100))})`;
  return `${error.instancePath.slice(0, 200) || 'the value'} fails "${error.keyword}"${detail}`;
}

/** About the length of its JSON text. */
function sizeOf(value: Json): number {
  if (typeof value === 'string') return value.length + 2;
  if (isArray(value)) return value.reduce<number>((size, item) => size + sizeOf(item) + 1, 2);
  if (isObject(value)) return [...value].reduce((size, [key, member]) => size + key.length + sizeOf(member) + 4, 2);
  return 4;
}

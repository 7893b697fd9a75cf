/** A JSON Schema, read: what each keyword asserts, ready to be checked. `schema-read.ts` makes it, `schema-check.ts` checks. */
import type { Decimal } from '../../core/decimal.ts';
import type { Json, Names } from '../../core/json.ts';
import type { Matcher } from './regex.ts';

/** The values of an `enum` or `const`: what can be looked up, and what has to be compared. */
export interface AllowedValues {
  /** Strings as they are; numbers, booleans and null in their one spelling. */
  readonly texts: ReadonlySet<string>;
  readonly others: ReadonlySet<string>;
  readonly structured: readonly Json[];
}

/** A pattern over keys, and the same without regard to case. */
export interface KeyPattern {
  readonly exact: Matcher;
  readonly folded: Matcher;
}

export type BoundKeyword = 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum';
export type CountKeyword = 'minLength' | 'maxLength' | 'minItems' | 'maxItems' | 'minProperties' | 'maxProperties';

export type Assertion =
  | { readonly kind: 'type'; readonly types: readonly string[] }
  /** `target` is found once the whole schema was read. */
  | { readonly kind: '$ref'; readonly text: string; target: SchemaNode | undefined }
  | { readonly kind: 'allOf' | 'anyOf' | 'oneOf'; readonly of: readonly SchemaNode[] }
  | { readonly kind: 'not' | 'propertyNames'; readonly of: SchemaNode }
  | {
      readonly kind: 'if';
      readonly condition: SchemaNode;
      readonly then: SchemaNode | undefined;
      readonly otherwise: SchemaNode | undefined;
    }
  | { readonly kind: 'bound'; readonly keyword: BoundKeyword; readonly limit: Decimal }
  | { readonly kind: 'count'; readonly keyword: CountKeyword; readonly limit: number }
  | { readonly kind: 'multipleOf'; readonly divisor: Decimal }
  | { readonly kind: 'pattern'; readonly source: string; readonly matcher: Matcher }
  | { readonly kind: 'enum' | 'const'; readonly values: AllowedValues }
  | { readonly kind: 'uniqueItems' }
  | { readonly kind: 'required'; readonly names: readonly string[] }
  | { readonly kind: 'dependentRequired'; readonly on: string; readonly names: readonly string[] }
  | { readonly kind: 'dependentSchemas'; readonly on: string; readonly of: SchemaNode }
  | {
      readonly kind: 'members';
      readonly properties: ReadonlyMap<string, SchemaNode>;
      readonly patterns: readonly { readonly pattern: KeyPattern; readonly of: SchemaNode }[];
      readonly additional: SchemaNode | undefined;
    }
  | { readonly kind: 'items'; readonly prefix: readonly SchemaNode[]; readonly rest: SchemaNode | undefined }
  | { readonly kind: 'contains'; readonly of: SchemaNode; readonly min: number; readonly max: number };

export interface SchemaNode {
  /** A schema that is `true` or `false` says this of everything. */
  readonly constant?: boolean;
  /** `type` first: it is cheap, and says most. */
  readonly assertions: readonly Assertion[];
  /** One visit costs this besides what it leads to. */
  readonly cost: number;
  /** The names that the schema gives to members of the object it judges; set once references are known. */
  names: Names | undefined;
  /** Patterns that name members. */
  keyPatterns: readonly KeyPattern[];
}

/** A schema that is `true` or `false`. */
export function constantNode(constant: boolean): SchemaNode {
  return { constant, assertions: [], cost: 0, names: undefined, keyPatterns: [] };
}

/** The schemas that an assertion leads to. */
export function schemasOf(assertion: Assertion): readonly SchemaNode[] {
  switch (assertion.kind) {
    case '$ref':
      return assertion.target ? [assertion.target] : [];
    case 'allOf':
    case 'anyOf':
    case 'oneOf':
      return assertion.of;
    case 'not':
    case 'propertyNames':
    case 'contains':
    case 'dependentSchemas':
      return [assertion.of];
    case 'if':
      return [assertion.condition, assertion.then, assertion.otherwise].filter((node) => node !== undefined);
    default:
      return [];
  }
}

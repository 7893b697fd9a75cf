/** The vocabulary in which `format.ts` describes the policy: what a value may be, and what its keys are. */
import type { Action } from '../../core/policy.ts';
import type { Node } from './tree.ts';

/** Says what to write instead of a value that is none of the shape; undefined where nobody knows. */
export type Advice = (node: Node) => string | undefined;

/** The meaning of a key that there is not: `key` is one that there is, where it is meant. */
export interface Meant {
  readonly key?: string;
  readonly help: string;
}

export type Shape = Kind & { readonly advice?: Advice };

type Kind =
  /** Text that matches `pattern`, where there is one; `expected` names it in messages. */
  | { readonly kind: 'text'; readonly expected: string; readonly pattern?: RegExp; readonly code?: 'bad-path' }
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly code?: 'unknown-operator' }
  | { readonly kind: 'boolean' }
  /** A number; `integer` and the bounds (inclusive) narrow it. */
  | {
      readonly kind: 'number';
      readonly integer?: boolean;
      readonly min: number | undefined;
      readonly above?: number;
      readonly max: number | undefined;
    }
  | { readonly kind: 'exactly'; readonly values: readonly (string | number)[] }
  | { readonly kind: 'list'; readonly of: Shape; readonly min: number }
  /** A map with known keys; `extra` names the rules between them, `anyOf` keys of which one must stand. */
  | {
      readonly kind: 'map';
      readonly keys: Keys;
      readonly extra?: 'rule' | 'condition';
      readonly anyOf?: readonly string[];
      /** Finds what keys that it does not have were meant as. */
      readonly others?: (key: string, value: Node) => Meant | undefined;
    }
  /** A map with keys of the author's choice. */
  | { readonly kind: 'table'; readonly of: Shape; readonly min: number; readonly notKeys?: readonly string[] }
  /** The first alternative whose YAML type is the value's. */
  | { readonly kind: 'either'; readonly of: readonly Shape[] }
  | { readonly kind: 'any' }
  /** A JSON Schema; `schema.ts` judges it. */
  | { readonly kind: 'schema' };

export type Keys = Readonly<Record<string, FormatKey>>;

/** A key of a map. */
export interface FormatKey {
  readonly shape: Shape;
  readonly about: string;
  readonly required?: boolean;
  /** The actions that take this clause; all where it is left out. */
  readonly on?: readonly Action[];
  /** A clause: it gives an `evaluate` rule something to check. */
  readonly clause?: boolean;
  /** The key that this one is another name for. */
  readonly aliasOf?: string;
  /** A key that must not stand beside this one. */
  readonly not?: string;
}

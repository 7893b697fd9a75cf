/** SQL statements by name, each prepared at its first use: what a policy does not need costs its start nothing. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Answers with an object of the same names. */
export function prepareLazily<Name extends string>(
  db: DatabaseSync,
  sql: Readonly<Record<Name, string>>,
): Readonly<Record<Name, StatementSync>> {
  const prepared = {} as Record<Name, StatementSync>;
  for (const name of Object.keys(sql) as Name[]) {
    Object.defineProperty(prepared, name, {
      configurable: true,
      get() {
        const value = db.prepare(sql[name]);
        Object.defineProperty(prepared, name, { value });
        return value;
      },
    });
  }
  return prepared;
}

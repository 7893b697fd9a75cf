/** Where state is kept, from flags and variables (cli.md §1, scale.md §1). */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, causeOf, EXIT, UsageError } from '../core/fault.ts';
import { StoreError } from '../core/store.ts';
import { type StateLocation, stateAt, stateIn } from '../state/open.ts';
import { parseAddress } from '../state/redis/address.ts';
import { interceptHome } from './home.ts';

/** The flags that say where state is kept. */
export interface StateFlags {
  readonly stateDir?: string | undefined;
  readonly stateDsn?: string | undefined;
  readonly stateDsnFile?: string | undefined;
  readonly stateCa?: string | undefined;
  readonly stateCert?: string | undefined;
  readonly stateKey?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DSN = 'INTERCEPT_STATE_DSN';
const SENTINEL_LOGIN = 'INTERCEPT_SENTINEL_AUTH';
const VARIABLE = /\$\{([A-Za-z_]\w*)\}/g;

/** Where state is kept: at a server's address, in `--state-dir`, else in `state` in the home. Throws `CommandError`. */
export function stateLocation(flags: StateFlags, env: Environment): StateLocation {
  const { stateDir, stateDsn, stateDsnFile } = flags;
  if ([stateDir, stateDsn, stateDsnFile].filter((flag) => flag !== undefined).length > 1)
    throw new UsageError('--state-dir, --state-dsn and --state-dsn-file name several states', 'keep one of them');
  const dsn = dsnOf(flags, env);
  if (!dsn) return stateIn(stateDir === undefined ? join(interceptHome(env), 'state') : resolve(stateDir));
  return asCommandError(() =>
    stateAt({
      address: () => parseAddress(dsn()),
      tls: {
        ca: pemOf('--state-ca', flags.stateCa),
        cert: pemOf('--state-cert', flags.stateCert),
        key: pemOf('--state-key', flags.stateKey),
      },
      sentinelLogin: env[SENTINEL_LOGIN],
      folder: join(interceptHome(env), 'state', 'redis'),
    }),
  );
}

/** The address as it is now; undefined where state is in a folder. A flag beats the variable. */
function dsnOf({ stateDir, stateDsn, stateDsnFile }: StateFlags, env: Environment): (() => string) | undefined {
  if (stateDsnFile !== undefined) return () => fillIn(readText('--state-dsn-file', stateDsnFile).trim(), env);
  if (stateDsn !== undefined) return () => fillIn(stateDsn, env);
  const named = env[DSN];
  return stateDir === undefined && named !== undefined && named !== '' ? () => fillIn(named, env) : undefined;
}

function fillIn(text: string, env: Environment): string {
  return text.replace(VARIABLE, (whole, name: string) => {
    const value = env[name];
    if (value === undefined)
      throw new StoreError(`--state-dsn: the variable ${whole} is not set`, { help: 'set it, or write the address itself' });
    return value;
  });
}

function pemOf(flag: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : readText(flag, path);
}

function readText(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new StoreError(`${flag}: cannot read ${JSON.stringify(path)}: ${causeOf(error)}`, { cause: error, help: `see "ls -ld ${path}"` });
  }
}

function asCommandError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(error.message, EXIT.usage, error.help);
    throw error;
  }
}

/** The variables that hold what only Intercept is to know: no server gets them (I10). */
export function stateVariables({ stateDsn, stateDsnFile }: StateFlags, env: Environment): readonly string[] {
  const text = stateDsn ?? (stateDsnFile === undefined ? env[DSN] : readText('--state-dsn-file', stateDsnFile)) ?? '';
  return [DSN, SENTINEL_LOGIN, ...[...text.matchAll(VARIABLE)].map(([, name = '']) => name)];
}

/** The approver secret (`intercept approvals protect`): kept as a slow, salted hash, compared in constant time. */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import type { Approvals } from '../core/approval.ts';
import { CommandError, EXIT } from '../core/fault.ts';

/** 64 MiB and about a tenth of a second for each guess. */
const COST = { N: 65_536, r: 8, p: 1 } as const;
const SALT = 16;
const BYTES = 32;
const HASH = /^scrypt:(\d{1,7}):(\d{1,2}):(\d{1,2}):([\w-]{22}):([\w-]{43})$/;

/** The text that is stored: algorithm, cost, salt and hash. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(SALT);
  const hash = await derive(secret, salt, COST);
  return `scrypt:${COST.N}:${COST.r}:${COST.p}:${salt.toString('base64url')}:${hash.toString('base64url')}`;
}

/** True where this is the secret that the stored text was made of. A stored text that cannot be read matches nothing. */
export async function matchesSecret(secret: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt, hash] = HASH.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64url');
  const found = await derive(secret, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) });
  return expected.length === found.length && timingSafeEqual(expected, found);
}

/** People type it on different keyboards: one spelling of what looks alike. */
function derive(secret: string, salt: Uint8Array, cost: { readonly N: number; readonly r: number; readonly p: number }): Promise<Buffer> {
  const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) =>
    scrypt(secret.normalize('NFKC'), salt, BYTES, options, (error, key) => (error ? reject(error) : resolve(key))),
  );
}

/** The variable that holds the approver secret. */
export const APPROVER_VARIABLE = 'INTERCEPT_APPROVER_TOKEN';

type Environment = Readonly<Record<string, string | undefined>>;

/** SPEC: policy.md §12 — once a secret is set, only who has it decides. Throws otherwise. */
export async function checkApprover(approvals: Pick<Approvals, 'secret'>, env: Environment): Promise<void> {
  const refusal = await refuseApprover(approvals, env);
  if (refusal !== undefined) throw new CommandError(refusal, EXIT.failed, `set ${APPROVER_VARIABLE} to the approver secret`);
}

/** Why whoever runs this may not decide; undefined where they may. */
export async function refuseApprover(approvals: Pick<Approvals, 'secret'>, env: Environment): Promise<string | undefined> {
  const hash = await approvals.secret();
  if (hash === undefined) return undefined;
  const given = env[APPROVER_VARIABLE];
  if (!given) return 'deciding needs the approver secret';
  return (await matchesSecret(given, hash)) ? undefined : `${APPROVER_VARIABLE} is not the approver secret`;
}

/** Errors that end a command with a message and an exit status, and no stack; the system's own in words. */

export interface FaultOptions extends ErrorOptions {
  /** Advice on what to do. */
  readonly help?: string | undefined;
}

/** Something outside does not work, and is thrown where that is met: `message` says what and where. */
export class FaultError extends Error {
  readonly help: string | undefined;
  constructor(message: string, { help, ...options }: FaultOptions = {}) {
    super(message, options);
    this.help = help;
  }
}

/** The command line asks for something that does not exist or does not fit together: status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly help: string | undefined;
  constructor(message: string, help?: string) {
    super(message);
    this.help = help;
  }
}

/** Something outside keeps the command from its work: a file, a server, a store. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: number;
  readonly help: string | undefined;
  constructor(message: string, status: number, help?: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.help = help;
  }
}

/** Exit statuses (cli.md §1). */
export const EXIT = { done: 0, failed: 1, usage: 2, invalidPolicy: 3, found: 4, changed: 5 } as const;

/** The words for errors of the system, by their code. */
const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder',
  EISDIR: 'is a folder, and a file is wanted',
  EACCES: 'may not be used by this user: check its permissions',
  EPERM: 'may not be used by this user: check its permissions',
  EROFS: 'is on a disk that cannot be written',
  ENOSPC: 'has no room left: the disk is full',
  EDQUOT: 'has no room left: the quota is used up',
  EEXIST: 'exists already',
  ELOOP: 'is a link that leads in a circle',
  ENAMETOOLONG: 'has too long a name',
  EMFILE: 'cannot be opened: too many files are open',
  ENFILE: 'cannot be opened: too many files are open',
  EADDRINUSE: 'is in use by another program',
  EADDRNOTAVAIL: 'is no address of this machine',
  EIO: 'cannot be read: the disk fails',
};

/** Says why something failed, after its name: the system's codes in words, any other error as it says it. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const known = typeof code === 'string' ? SYSTEM[code] : undefined;
  return known ?? (typeof message === 'string' ? message : String(error));
}

/** Says why in a clause of its own: the system's codes as "it does not exist". */
export function causeOf(error: unknown): string {
  return isSystem(error) ? `it ${reasonOf(error)}` : reasonOf(error);
}

/** Answers whether this is an error of the system that has words here. */
export function isSystem(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && code in SYSTEM;
}

/** The flags and variables that put Intercept's files elsewhere. */
export const ELSEWHERE = 'INTERCEPT_HOME for the home, --state-dir for the state alone';

/** The advice where a disk is full. */
export const MAKE_ROOM = `make room on that disk, or name a folder on another: ${ELSEWHERE}`;

/** Says what to do about an error of the system over one of Intercept's files; undefined where nothing is known to help. */
export function remedyOf(error: unknown, path: string): string | undefined {
  const { code } = error as { readonly code?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT') return MAKE_ROOM;
  if (code === 'EMFILE' || code === 'ENFILE') return 'let this user open more files: see "ulimit -n"';
  return isSystem(error) ? `see "ls -ld ${path}", or name another folder: ${ELSEWHERE}` : undefined;
}

/** Errors that end a command with a message and an exit status, and no stack. */

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
export const EXIT = { done: 0, failed: 1, usage: 2, invalidPolicy: 3, found: 4 } as const;

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

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

#!/usr/bin/env node
/** The entry: everything else is loaded when it is asked for, so that a proxy starts with nothing it does not need. */
import { openTerminal } from './terminal.ts';

const terminal = openTerminal(process);
const { runProgram } = await import('./program.ts');
const status = await runProgram(process.argv.slice(2), terminal);
await terminal.flush();
process.exit(status);

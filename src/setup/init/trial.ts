/** Tries an entry as its client will start it, before the client's file has it: it must list tools (setup.md §3.5). */
import { judgeTools } from '../../authoring/tool-verdicts.ts';
import { readJson } from '../../mcp/json/values.ts';
import { readEntry } from '../clients/read.ts';
import { startOf } from '../clients/start.ts';
import type { ClientServer, World } from '../clients/types.ts';
import type { PlannedEntry } from './plan.ts';
import { readPolicyState } from './policy-state.ts';
import type { OwnProgram } from './program.ts';
import { type ScanningOptions, scanStart } from './scan-start.ts';

export interface TrialOptions extends ScanningOptions {
  readonly world: World;
  readonly answers: ReadonlyMap<string, string>;
  readonly program: OwnProgram;
}

/** Starts it and asks for its tools. Resolves with why it must not be used; undefined where it works. */
export async function tryEntry(planned: PlannedEntry, tools: readonly string[], options: TrialOptions): Promise<string | undefined> {
  const { policy } = await readPolicyState(planned.policy);
  if (!policy) return 'its policy is not valid';
  const start = startOf(serverAfter(planned), options.world, options.answers);
  if (start.kind !== 'local') return start.kind === 'unknown' ? start.why : 'its new entry is no command';
  const words = [start.command, ...start.args];
  const [command = '', ...args] = planned.job.place.isShared ? onThisMachine(words, planned, options.program) : words;
  const outcome = await scanStart({ ...start, command, args }, { ...options, keepsHome: true });
  if (outcome.kind !== 'scanned') return outcome.why;
  const open = judgeTools(policy, tools).filter(({ verdict }) => verdict !== 'hidden' && verdict !== 'denied');
  return outcome.scanned.tools.length === 0 && open.length > 0 ? 'it lists no tools, and its policy lets some through' : undefined;
}

/** The server with its entry as it will be. */
function serverAfter({ record, job: { place } }: PlannedEntry): ClientServer {
  const { entry } = readEntry(readJson(record.is), record.shape);
  return { ...place.server, entry };
}

/** In the place of npx, which would bring this very program. */
function onThisMachine(command: readonly string[], { program }: PlannedEntry, { path, before }: OwnProgram): readonly string[] {
  return [path, ...before, ...command.slice(program.length)];
}

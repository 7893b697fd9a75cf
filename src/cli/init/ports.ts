/** The surroundings of init: this machine, this program, the library. */
import { homedir } from 'node:os';

import { checkFolders } from '../../run/own-folders.ts';
import { parseRemote } from '../../run/remote.ts';
import { stateLocation } from '../../run/state-location.ts';
import { thisWorld } from '../../setup/clients/disk.ts';
import { nextSteps, workspaceFolderOf } from '../../setup/clients/table.ts';
import type { Preset } from '../../setup/draft/model.ts';
import { openLibraryDoor } from '../../setup/init/library-door.ts';
import { ownProgram, refuseHome } from '../../setup/init/program.ts';
import type { InitPorts } from '../../setup/init/run.ts';

export type StepOf = typeof nextSteps;

export type InitSurroundings = Omit<InitPorts, 'progress' | 'choose' | 'agree' | 'askSecret' | 'timeout'> & { readonly nextSteps: StepOf };

/** Looks around. Throws `CommandError` where the home is not this user's alone. */
export async function openPorts(
  home: string,
  env: Readonly<Record<string, string | undefined>>,
  preset: Preset,
): Promise<InitSurroundings> {
  refuseHome(home, homedir());
  checkFolders({ home, state: stateLocation({}, env) }, env);
  const place = { executable: process.execPath, script: process.argv[1], home, env };
  return {
    ...{ env, home, world: thisWorld(env, process.cwd()), program: ownProgram(place), namedHome: env.INTERCEPT_HOME ? home : undefined },
    library: await openLibraryDoor(preset),
    workspaceOf: workspaceFolderOf,
    nextSteps,
    now: Date.now,
    remoteOf(url, headers) {
      const names = Object.keys(headers);
      const values = Object.fromEntries(names.map((name, index) => [`HEADER_${index}`, headers[name]]));
      const headerEnv = names.map((name, index) => `${name}=HEADER_${index}`);
      const remote = parseRemote({ upstream: url, header: [], headerEnv }, values);
      if (!remote) throw new TypeError('an address was given');
      return remote;
    },
  };
}

/** `init`: from no policy to all servers behind one, and back (setup.md §3). */
import { UsageError } from '../../core/fault.ts';
import { interceptHome } from '../../run/home.ts';
import { PRESETS } from '../../setup/draft/model.ts';
import { command } from './declare.ts';
import { choice, given, JSON_OUT, mentioned, parseDurationFlag, set, several, text } from './flags.ts';

const WHICH = {
  client: several('name', 'NAME', 'this client only, such as claude-code; again for more'),
  server: several('name', 'NAME', 'this server only; again for more'),
  project: set("the project's files, too: everybody gets them"),
  user: set("your own files only; the project's are left out"),
};

const HOW = {
  preset: { ...choice('name', PRESETS, 'suggested', 'suggested', 'or scaffold, read-only, strict: what is drafted'), fallback: undefined },
  agent: text('name', 'NAME', "what the agent is called, instead of its client's name"),
  shadow: set('deny nothing yet, and record what would be denied'),
  noScan: set('start no server'),
  timeout: given(parseDurationFlag, 'time', '60s', 'how long a server has to list its tools'),
};

const ASKING = {
  terminal: set('choose by keyboard, and not in the browser'),
  yes: set('ask nothing: take and enforce what is drafted'),
  dryRun: set('show what would be written, and write nothing'),
};

const AFTER = {
  check: set('say whether every server is covered, and every way around'),
  update: set('renew programs, and merge fresh scans into policies'),
  undo: set('take it back; --purge removes policies and backups, too'),
  ...mentioned({ purge: set() }),
};

export const INIT = command({
  name: 'init',
  width: 20,
  usage: 'init [flags]',
  about: 'Find the MCP clients of this machine, and put a policy before each server.',
  body: [WHICH, HOW, ASKING, AFTER, JSON_OUT],
  end: 'Status: 0 done, 1 not, or --check found a server open. Example: intercept init',
  async run(values, _, { terminal }) {
    const { check, update, undo, purge, project, user, noScan } = values;
    const ways = [check && '--check', update && '--update', undo && '--undo'].filter((way) => way !== false);
    if (ways.length > 1) throw new UsageError(`${ways.join(' and ')} are different things`, 'run one after the other');
    if (purge && !undo) throw new UsageError('--purge is for --undo', 'add --undo, or remove it');
    if (project && user) throw new UsageError('--user leaves out what --project adds', 'remove one of them');
    if (update && noScan) throw new UsageError('--update scans the servers', 'remove --no-scan');
    const options = { ...values, clients: values.client, servers: values.server, scan: !noScan, home: interceptHome(terminal.env) };
    if (undo) return (await import('../init/undo.ts')).undoInit(options, terminal);
    if (update) return (await import('../init/update.ts')).updateInit(options, terminal);
    if (check) return (await import('../init/check.ts')).checkInit(options, terminal);
    return (await import('../init.ts')).initialise({ ...options, preset: options.preset ?? 'suggested' }, terminal);
  },
});

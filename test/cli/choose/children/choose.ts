/** Lets a person choose about the servers of the fixture, and prints what they chose. Arguments: the way, the home, and whether servers are found or scanned. */
import { choose } from '../../../../src/cli/choose/choose.ts';
import { openTerminal } from '../../../../src/cli/terminal.ts';
import { foundServers, manyServers } from '../../../setup/choose/fixture.ts';

const [, , way, home = '', begin] = process.argv;
const terminal = openTerminal({ ...process, env: process.env });
const answers = new Map(manyServers().map(({ id, state }) => [id, state]));
const choice = await choose(
  begin === 'found' ? foundServers() : manyServers(),
  {
    way: way === 'page' ? 'page' : 'terminal',
    home,
    platform: process.platform,
    scan: (ids, put) => {
      for (const id of ids) setImmediate(() => put(id, answers.get(id) ?? { kind: 'failed', why: 'it is not known' }));
    },
  },
  terminal,
);
const printed =
  choice === 'cancelled'
    ? choice
    : {
        mode: choice.mode,
        servers: Object.fromEntries([...choice.servers].map(([id, { cover, columns }]) => [id, [cover, Object.fromEntries(columns)]])),
      };
terminal.out(`CHOICE ${JSON.stringify(printed)}`);
await terminal.flush();
process.exit();

/** setup.md §3: files of projects: not touched without --project, shared ones in a form for everyone, hostile ones never. */
import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interceptCommand } from '../../harness/paths.ts';
import { connect, type FixtureHome, openHome, readOutput, SERVERS } from './home.ts';

const [COMMAND = '', ...ARGS] = SERVERS.memory?.command ?? [];
const FILE = `${JSON.stringify({ mcpServers: { db: { command: COMMAND, args: ARGS } } }, null, 2)}\n`;
const PROJECT = 'work/shop';

function openProject(git = true): FixtureHome {
  const home = openHome();
  home.put(`${PROJECT}/.mcp.json`, FILE);
  home.put('.claude.json', '{"mcpServers": {}}');
  if (git) mkdirSync(join(home.path, PROJECT, '.git'));
  mkdirSync(join(home.path, PROJECT, 'src/deep'), { recursive: true });
  return home;
}

const inProject = (home: FixtureHome, ...args: readonly string[]) => home.run(['init', ...args], { cwd: join(home.path, PROJECT) });

describe('a project', () => {
  test('is listed, and neither started nor changed', async () => {
    using home = openProject();
    const init = await inProject(home, '--yes', '--json');
    const { servers, outcome } = readOutput('init', init.out);
    expect(outcome).toBe('nothing');
    expect(servers.map(({ name, state, why }) => [name, state, why])).toEqual([
      ['db', 'open', 'it stands in a file of a project: add --project'],
    ]);
    expect(home.text(`${PROJECT}/.mcp.json`)).toBe(FILE);
    expect((await inProject(home, '--check')).status).toBe(1);
    const own = readOutput('init', (await inProject(home, '--yes', '--json', '--user')).out);
    expect(own.servers).toEqual([]);
  }, 60_000);

  test('in Git gets a form for everyone, whose policy is found from a folder within', async () => {
    using home = openProject();
    const init = await inProject(home, '--yes', '--project');
    expect([init.status, init.out]).toEqual([0, expect.stringContaining('Whoever edits the project can edit its policies')]);
    const { db } = JSON.parse(home.text(`${PROJECT}/.mcp.json`)).mcpServers;
    const { version } = await Bun.file(join(import.meta.dir, '../../../package.json')).json();
    expect(db.command).toBe('npx');
    expect(db.args.slice(0, 4)).toEqual(['-y', `@policylayer/intercept@${version}`, '-c', '.intercept/db.yaml']);
    expect(db.args.slice(db.args.indexOf('--') + 1)).toEqual([COMMAND, ...ARGS]);
    expect(home.text(`${PROJECT}/.intercept/db.yaml`)).toContain('name: shop-db');
    const check = readOutput('init_check', (await inProject(home, '--check', '--json')).out);
    expect([check.covered, check.shared]).toEqual([true, [join(home.path, PROJECT, '.intercept/db.yaml')]]);
    // In the place of npx, this very program, started as a client starts it in a folder of the project.
    const { stdout, status } = await callThrough(home, db.args.slice(2));
    expect([status, stdout]).toEqual([0, expect.stringContaining('read_graph')]);
    expect((await inProject(home, '--undo')).status).toBe(0);
    expect(home.text(`${PROJECT}/.mcp.json`)).toBe(FILE);
  }, 120_000);

  test('that a teammate wrapped is unwrapped with --project alone', async () => {
    using home = openProject();
    expect((await inProject(home, '--yes', '--project')).status).toBe(0);
    const wrapped = home.text(`${PROJECT}/.mcp.json`);
    rmSync(join(home.path, '.intercept'), { recursive: true });
    const undo = await inProject(home, '--undo', '--yes');
    expect([undo.status, undo.out]).toEqual([1, expect.stringContaining('add --project')]);
    expect(home.text(`${PROJECT}/.mcp.json`)).toBe(wrapped);
    expect((await inProject(home, '--undo', '--yes', '--project')).status).toBe(0);
    expect(JSON.parse(home.text(`${PROJECT}/.mcp.json`)).mcpServers.db.command).toBe(COMMAND);
  }, 120_000);

  test('without Git gets the form of this machine', async () => {
    using home = openProject(false);
    expect((await inProject(home, '--yes', '--project')).status).toBe(0);
    const { db } = JSON.parse(home.text(`${PROJECT}/.mcp.json`)).mcpServers;
    expect(db.args).toContain(join(home.path, '.intercept/policies/db.yaml'));
    const client = await connect({ name: 'db', env: {}, ...db }, home);
    expect((await client.listTools()).tools.length).toBeGreaterThan(3);
    await client.close();
    expect((await inProject(home, '--undo')).status).toBe(0);
    expect(home.text(`${PROJECT}/.mcp.json`)).toBe(FILE);
  }, 120_000);
});

/** Lists the tools of an entry's words, with this Intercept as the program. */
async function callThrough(home: FixtureHome, words: readonly string[]) {
  const cwd = join(home.path, PROJECT, 'src/deep');
  const ran = await home.run(['tools', '--json', '--', ...interceptCommand(), ...words], { cwd });
  return { status: ran.status, stdout: ran.out };
}

describe('a hostile project', () => {
  test('has nothing of it started or written', async () => {
    using home = openProject();
    const root = join(home.path, PROJECT);
    const mark = join(home.path, 'started');
    home.put('outside.json', FILE);
    writeFileSync(join(root, 'intercept'), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    const servers = {
      run: { command: `$(touch ${mark})`, args: ['`touch x`'] },
      '../../../x': { command: './intercept', args: ['-c', 'p.yaml', '--', 'x'] },
      fake: { command: join(root, 'intercept'), args: ['-c', '/dev/null', '--agent', 'x', '--', 'sh'] },
      npx: { command: 'npx', args: ['-y', '@policylayer/intercept', '-c', 'x.yaml', '--', 'sh'] },
    };
    home.put(`${PROJECT}/.mcp.json`, JSON.stringify({ mcpServers: servers }));
    mkdirSync(join(root, '.cursor'));
    symlinkSync(join(home.path, 'outside.json'), join(root, '.cursor/mcp.json'));
    mkdirSync(join(root, '.vscode'));
    spawnSync('mkfifo', [join(root, '.vscode/mcp.json')]);
    symlinkSync(home.path, join(root, '.intercept'));
    const before = home.files();
    const check = readOutput('init_check', (await inProject(home, '--check', '--json')).out);
    // None of them is taken for one of ours.
    expect(check.servers.filter(({ covered }) => covered)).toEqual([]);
    const look = await inProject(home, '--dry-run', '--project');
    expect(look.status).toBe(0);
    const init = await inProject(home, '--yes');
    expect([init.status, existsSync(mark)]).toEqual([0, false]);
    // With --project they are started, as the person said; what leads out stays, and $(…) is no command.
    const whole = await inProject(home, '--yes', '--project', '--server', 'run', '--json');
    expect([readOutput('init', whole.out).outcome, existsSync(mark)]).toEqual(['nothing', false]);
    expect(home.files()).toEqual(before);
    expect(readdirSync(home.path).sort()).toEqual(expect.not.arrayContaining(['db.yaml', 'x.yaml', 'started']));
  }, 120_000);

  test('has no say in what is started for the servers of the person', async () => {
    using home = openProject();
    home.put('.cursor/mcp.json', JSON.stringify({ mcpServers: { own: { command: 'own-server', args: [] }, near: { command: './near' } } }));
    const bin = join(home.path, PROJECT, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    for (const path of [join(bin, 'own-server'), join(home.path, PROJECT, 'near')])
      writeFileSync(path, `#!/bin/sh\ntouch ${join(home.path, 'started')}\n`, { mode: 0o755 });
    // As npx leaves it.
    const env = { PATH: `${bin}:node_modules/.bin:${process.env.PATH}`, npm_config_local_prefix: join(home.path, PROJECT) };
    await home.run(['init', '--yes'], { cwd: join(home.path, PROJECT), env });
    expect(existsSync(join(home.path, 'started'))).toBe(false);
  }, 60_000);

  test('that links to a file of the person neither keeps its servers open nor gets their policies', async () => {
    using home = openProject();
    home.put('.cursor/mcp.json', FILE);
    mkdirSync(join(home.path, PROJECT, '.vscode'));
    symlinkSync(join(home.path, '.cursor/mcp.json'), join(home.path, PROJECT, '.vscode/mcp.json'));
    expect((await inProject(home, '--yes', '--client', 'cursor', '--project')).status).toBe(0);
    const { db } = JSON.parse(home.text('.cursor/mcp.json')).mcpServers;
    expect(db.args).toContain(join(home.path, '.intercept/policies/db.yaml'));
  }, 60_000);

  test('whose .intercept leads out of it gets no policy', async () => {
    using home = openProject();
    const outside = join(home.path, 'elsewhere');
    mkdirSync(outside);
    symlinkSync(outside, join(home.path, PROJECT, '.intercept'));
    const init = await inProject(home, '--yes', '--project', '--json');
    const [server] = readOutput('init', init.out).servers;
    expect([init.status, server?.why]).toEqual([1, expect.stringContaining('leads out of the project')]);
    expect([home.text(`${PROJECT}/.mcp.json`), readdirSync(outside)]).toEqual([FILE, []]);
  }, 120_000);
});

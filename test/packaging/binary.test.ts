/** The command as it ships, in both shapes, in a folder that wants to meddle. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { INTERCEPT, ROOT, temporaryFolder } from '../harness/paths.ts';

const POLICY = 'version: "1"\ndefault: deny\n';
/** A server that says what reached its environment, and ends. */
const TELL = [
  'sh',
  '-c',
  'echo "{\\"jsonrpc\\":\\"2.0\\",\\"method\\":\\"notifications/message\\",\\"params\\":{\\"level\\":\\"info\\",\\"data\\":\\"$PLANTED\\"}}"',
];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const files = {
    'policy.yaml': POLICY,
    '.env': 'PLANTED=from-dotenv\n',
    'bunfig.toml': 'preload = ["./preload.ts"]\n',
    'preload.ts': 'console.log("preloaded");\n',
    'package.json': '{ "name": "meddler", "version": "66.6.6", "imports": { "#x": "./x.js" } }\n',
  };
  await mkdir(join(folder.path, 'home'));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder.path, name), text)));
});

afterAll(() => folder.remove());

function run(shape: string, args: readonly string[], more: Readonly<Record<string, string | undefined>> = {}) {
  const [program = '', ...before] = INTERCEPT[shape] ?? [];
  const env = { ...process.env, INTERCEPT_HOME: join(folder.path, 'home'), PLANTED: undefined, ...more };
  return spawnSync(program, [...before, ...args], { cwd: folder.path, env, encoding: 'utf8', timeout: 20_000 });
}

describe.each(['binary', 'node'])('%s', (shape) => {
  test('says its version, alone on stdout', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(run(shape, ['--version'])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('proxies, with its store, from a folder whose files must not reach it or the server (I10)', () => {
    const { status, stdout, stderr } = run(shape, ['-c', 'policy.yaml', '--', ...TELL]);
    expect(stdout).toBe('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":""}}\n');
    expect(stderr).not.toMatch(/experimental|preloaded/i);
    expect(status).toBe(0);
  });

  test('has the policy library with it', async () => {
    const policy = await readFile(join(ROOT, 'policies/stripe.yaml'), 'utf8');
    expect(run(shape, ['policies', 'show', 'stripe'])).toMatchObject({ status: 0, stdout: policy, stderr: '' });
    expect(run(shape, ['explain', '-c', 'library:stripe', '--call', 'nothing', '--fresh']).status).toBe(4);
  });

  test('loads what it loads late: regular expressions and JSON Schema', async () => {
    await writeFile(
      join(folder.path, 'late.yaml'),
      `version: "1"
tools:
  pay:
    rules:
      - name: shape
        arguments: { id: { type: string, pattern: "^[a-z]+$" } }
        conditions: [{ path: args.id, op: regex, value: "^a" }]
        on_deny: no
`,
    );
    const { status, stderr } = run(shape, ['-c', 'late.yaml', '--', 'true']);
    expect(stderr).toContain('late.yaml in force');
    expect(status).toBe(0);
  });

  // Bun's `os.userInfo()` answers with USER, or "unknown".
  test.each([undefined, 'alice', ''])('who decides is the user of the operating system, with USER=%p', async (USER) => {
    const home = await mkdtemp(join(folder.path, 'who-'));
    const { status } = run(shape, ['pause', '--reason', 'x'], { USER, LOGNAME: USER, INTERCEPT_HOME: home });
    const [events = ''] = await readdir(join(home, 'events'));
    const record = JSON.parse(await readFile(join(home, 'events', events), 'utf8')) as { by: string };
    const { stdout } = spawnSync('id', ['-un'], { encoding: 'utf8' });
    expect({ status: status === 2, by: record.by }).toEqual({ status: false, by: stdout.trim() });
  });

  test('refuses a broken policy with status 3', async () => {
    await writeFile(join(folder.path, 'broken.yaml'), 'version: "1"\ndefualt: deny\n');
    const { status, stdout, stderr } = run(shape, ['-c', 'broken.yaml', '--', 'true']);
    expect(stderr).toContain('"defualt"');
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
  });
});

/** The files for services, containers and fronts are what their programs take, with flags that exist. */
import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../src/cli/program.ts';
import { openClient } from '../harness/client.ts';
import { NGINX } from '../harness/nginx.ts';
import { BUN, interceptCommand, ROOT, temporaryFolder } from '../harness/paths.ts';

const FOLDER = join(ROOT, 'examples/listener');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const KNOWN = COMMANDS.flatMap(({ help, pages }) => [help, ...Object.values(pages ?? {})]).join('\n');

describe('examples/listener', () => {
  for (const name of ['intercept.service', 'Dockerfile', 'nginx.conf', 'Caddyfile'])
    test(`${name} uses flags of ours that exist`, () => {
      const ours = read(name)
        .split('\n')
        .filter((line) => /^(?:ExecStart|ENTRYPOINT|CMD|# TLS)/.test(line))
        .join('\n');
      const flags = ours.match(/--[a-z][a-z-]+/g) ?? [];
      expect(flags.length).toBeGreaterThan(0);
      for (const flag of flags) expect(KNOWN).toContain(`  ${flag} `);
    });

  test.if(has('systemd-analyze'))('intercept.service is a unit that systemd takes', async () => {
    const { path, remove } = await temporaryFolder();
    try {
      const command = join(path, 'intercept');
      writeFileSync(command, '#!/bin/sh\n');
      chmodSync(command, 0o755);
      const unit = join(path, 'intercept.service');
      writeFileSync(unit, read('intercept.service').replace('/usr/local/bin/intercept', command));
      const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
      expect(stderr.split('\n').filter((line) => line.includes('intercept.service'))).toEqual([]);
    } finally {
      await remove();
    }
  });

  test('the Dockerfile copies what the build makes, and has instructions only', () => {
    const lines = read('Dockerfile')
      .replaceAll(/\\\n\s*/g, '')
      .split('\n');
    const instructions = lines.filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of instructions) expect(line).toMatch(/^(?:FROM|RUN|COPY|USER|ENV|VOLUME|EXPOSE|ENTRYPOINT|CMD) \S/);
    expect(instructions.filter((line) => line.startsWith('COPY'))).toEqual(['COPY dist/intercept /usr/local/bin/intercept']);
    for (const line of instructions.filter((each) => /^(?:ENTRYPOINT|CMD)/.test(each)))
      expect(Array.isArray(JSON.parse(line.slice(line.indexOf('['))))).toBe(true);
  });

  test.if(NGINX !== undefined && has('openssl'))('nginx.conf is what nginx takes', async () => {
    const { path, remove } = await temporaryFolder();
    try {
      const [key, certificate] = [join(path, 'key'), join(path, 'pem')];
      spawnSync('openssl', [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=mcp.example.com',
        '-keyout',
        key,
        '-out',
        certificate,
      ]);
      const server = read('nginx.conf')
        .replace(/\/etc\/ssl\/\S+\.pem/, certificate)
        .replace(/\/etc\/ssl\/\S+\.key/, key);
      const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${path}/${name};`).join(' ');
      const file = join(path, 'nginx.conf');
      writeFileSync(file, `pid ${path}/pid; error_log ${path}/errors;\nevents {}\nhttp { access_log off; ${places}\n${server}\n}\n`);
      const { stderr, status } = spawnSync(NGINX ?? '', ['-t', '-p', path, '-c', file], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('test is successful') });
    } finally {
      await remove();
    }
  });
});

test('B8: examples/inspector.sh is one command that speaks MCP', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const env = { INTERCEPT_HOME: path, INTERCEPT: interceptCommand().join(' '), SERVER: `${BUN} examples/server.ts` };
    const client = openClient([join(ROOT, 'examples/inspector.sh')], { env, cwd: ROOT });
    const { result } = (await client.initialize()) as { result?: { serverInfo?: { name?: string } } };
    expect(result?.serverInfo?.name).toBeString();
    await client.close();
  } finally {
    await remove();
  }
}, 60_000);

const INSPECTOR = process.env.MCP_INSPECTOR ?? spawnSync('sh', ['-c', 'command -v mcp-inspector'], { encoding: 'utf8' }).stdout.trim();

describe.skipIf(INSPECTOR === '')(
  'MCP Inspector before examples/inspector.sh (skipped: mcp-inspector is neither in PATH nor in MCP_INSPECTOR)',
  () => {
    const POLICY = `version: "1"
name: inspected
default: deny
methods: deny
tools:
  list_customers: { rules: [] }
  create_refund: { rules: [{ name: small, conditions: [{ path: args.amount, op: lte, value: 10 }] }] }
  cancel_subscription: { rules: [{ name: ask, action: require_approval }] }
`;

    test.each([
      ['--method tools/list', /^(?!.*delete_repository).*"list_customers"/s],
      ['--method tools/call --tool-name list_customers', /"content": \[\s*\{\s*"type": "text"/],
      [
        '--method tools/call --tool-name create_refund --tool-arg amount=50 --tool-arg currency=usd',
        /POLICY DENIED\] Denied by rule \\"small\\"/,
      ],
      ['--method tools/call --tool-name cancel_subscription --tool-arg subscription=s1', /APPROVAL REQUIRED\].*apr_/],
      ['--method tools/call --tool-name delete_repository', /\\"delete_repository\\" is not permitted/],
      ['--method resources/list', /"resources": \[\]/],
      ['--method prompts/list', /"prompts": \[\]/],
    ])(
      '%s',
      async (typed, expected) => {
        const { path, remove } = await temporaryFolder();
        try {
          writeFileSync(join(path, 'p.yaml'), POLICY);
          const variables = {
            INTERCEPT_HOME: path,
            INTERCEPT: interceptCommand().join(' '),
            SERVER: `${BUN} examples/server.ts`,
            POLICY: join(path, 'p.yaml'),
          };
          const argv = ['--cli', join(ROOT, 'examples/inspector.sh'), ...typed.split(' ')];
          const { stdout, stderr, status } = spawnSync(INSPECTOR, argv, {
            cwd: ROOT,
            encoding: 'utf8',
            env: { ...process.env, ...variables },
          });
          expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: expect.stringMatching(expected) });
        } finally {
          await remove();
        }
      },
      60_000,
    );
  },
);

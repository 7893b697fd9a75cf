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

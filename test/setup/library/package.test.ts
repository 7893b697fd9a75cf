/** The package that a command starts is known where it is certain, and unknown everywhere else. */
import { expect, test } from 'bun:test';
import { identifyPackage } from '../../../src/setup/library/package.ts';

const KNOWN: readonly (readonly [
  command: string,
  registry: string,
  name: string,
  version?: string | undefined,
  program?: string | undefined,
  args?: string,
])[] = [
  ['npx -y @stripe/mcp', 'npm', '@stripe/mcp'],
  ['npx -y @stripe/mcp@0.2.5 --tools=all --registry x', 'npm', '@stripe/mcp', '0.2.5', undefined, '--tools=all --registry x'],
  ['npx --yes airtable-mcp-server@latest', 'npm', 'airtable-mcp-server'],
  ['npx airtable-mcp-server@^1.2', 'npm', 'airtable-mcp-server'],
  ['/usr/local/bin/npx -y -- a@1.0.0-beta.2 -y', 'npm', 'a', '1.0.0-beta.2', undefined, '-y'],
  ['npx -y -p a@1.2.3 a', 'npm', 'a', '1.2.3'],
  ['npx --package=a@1.2.3 other x', 'npm', 'a', '1.2.3', 'other', 'x'],
  ['npm exec -- a@1.2.3 x', 'npm', 'a', '1.2.3', undefined, 'x'],
  ['npm x -y a', 'npm', 'a'],
  ['npm exec a x', 'npm', 'a', undefined, undefined, 'x'],
  ['npm exec -- a -p b', 'npm', 'a', undefined, undefined, '-p b'],
  ['pnpm dlx a@1.2.3', 'npm', 'a', '1.2.3'],
  ['bunx --bun a', 'npm', 'a'],
  ['cmd /c npx -y a', 'npm', 'a'],
  ['C:\\nodejs\\npx.cmd -y a', 'npm', 'a'],
  ['uvx Airbyte_MCP@1.0.0', 'pypi', 'airbyte-mcp', '1.0.0'],
  ['uvx --from airbyte-mcp==1.0.0 --with mcp<2 airbyte-mcp', 'pypi', 'airbyte-mcp', '1.0.0'],
  ['uvx --from ramp-mcp==0.0.1 --python 3.12 ramp -s x', 'pypi', 'ramp-mcp', '0.0.1', 'ramp', '-s x'],
  ['uvx a[extra]>=1.0', 'pypi', 'a'],
  ['uv tool run a@1.0', 'pypi', 'a', '1.0'],
  ['pipx run --spec a==1.0 b', 'pypi', 'a', '1.0', 'b'],
  ['docker run -i --rm -e TOKEN ghcr.io/a/b:v1.10.1 stdio', 'docker', 'ghcr.io/a/b', '1.10.1', undefined, 'stdio'],
  ['docker run -i --rm -v /a:/b mcp/postgres url', 'docker', 'mcp/postgres', undefined, undefined, 'url'],
  ['podman run -i docker.io/mcp/postgres', 'docker', 'mcp/postgres'],
];

for (const [command, registry, name, version, program, args = ''] of KNOWN) {
  test(`known: ${command}`, () => {
    const found: unknown = identifyPackage(command.split(' '));
    expect(found).toEqual({ kind: 'package', registry, name, version, program, args: args === '' ? [] : args.split(' ') });
  });
}

const UNKNOWN: readonly string[] = [
  'npx',
  'npx -y',
  'npx -y a@npm:b',
  'npx -y a@npm:b@1.0.0',
  'npx -y github:a/b',
  'npx -y a/b',
  'npx -y ./a',
  'npx -y ../a',
  'npx -y /a',
  'npx -y a.tgz',
  'npx -y https://example.com/a.tgz',
  'npx -y git+https://example.com/a.git',
  'npx -y a@https://example.com/a.tgz',
  'npx -y a@file:../a',
  'npx --registry https://example.com a',
  'npx --registry=https://example.com a',
  'npx -y --userconfig x a',
  'npx -p a -p b a',
  'npx -c a',
  'npx --call=a',
  'npm exec a --package=b',
  'npm exec -y a@1.2.3 x -p b',
  'npm x a --registry=https://example.com',
  'npm exec a -c b -- x',
  'cmd /c npx -y a & b',
  'cmd /c npx -y a x|b',
  'npm install a',
  './npx -y a',
  'bin/npx -y a',
  'npx2 a',
  'node server.js',
  'sh -c npx',
  'cmd /k npx a',
  'uvx git+https://example.com/a',
  'uvx --from git+https://example.com/a a',
  'uvx --from ./a a',
  'uvx a.whl',
  'uvx --index-url https://example.com a',
  'uvx --default-index=https://example.com a',
  'uvx --with ./b a',
  'uvx --with-editable b a',
  'uv run a',
  'pipx run --index-url https://example.com a',
  'pipx install a',
  'docker exec a b',
  'docker run --entrypoint sh a',
  'docker run --privileged a',
  'docker run -i https://example.com/a',
  'docker run -i Example',
];

for (const command of UNKNOWN) {
  test(`unknown: ${command}`, () => expect(identifyPackage(command.split(' '))).toMatchObject({ kind: 'unknown' }));
}

test('an entry that sets another registry makes its package unknown', () => {
  const npx = ['npx', '-y', 'a'];
  expect(identifyPackage(npx, { NPM_CONFIG_REGISTRY: 'https://example.com' })).toMatchObject({ kind: 'unknown' });
  expect(identifyPackage(npx, { 'npm_config_@stripe:registry': 'https://example.com' })).toMatchObject({ kind: 'unknown' });
  for (const name of ['npm_config_package', 'NPM_CONFIG_CALL', 'npm_config_prefix', 'npm_config_node_options', 'npm_config_script_shell'])
    expect(identifyPackage(npx, { [name]: 'b' })).toMatchObject({ kind: 'unknown' });
  expect(identifyPackage(npx, { npm_config_cache: '/c', NPM_CONFIG_LOGLEVEL: 'error' })).toMatchObject({ kind: 'package' });
  for (const name of ['UV_WITH', 'UV_PROJECT', 'UV_INDEX', 'PIP_INDEX_URL'])
    expect(identifyPackage(['uvx', 'a'], { [name]: 'b' })).toMatchObject({ kind: 'unknown' });
  expect(identifyPackage(['uvx', 'a'], { UV_PYTHON: '3.12', UV_CACHE_DIR: '/c' })).toMatchObject({ kind: 'package' });
  expect(identifyPackage(['uvx', 'a'], { UV_INDEX_URL: 'https://example.com' })).toMatchObject({ kind: 'unknown' });
  expect(identifyPackage(['docker', 'run', 'a'], { DOCKER_HOST: 'tcp://example.com' })).toMatchObject({ kind: 'unknown' });
});

test('what npm tells the commands that it starts leads nowhere else, unless it does', () => {
  const command = ['npx', '-y', '@stripe/mcp'];
  const usual = {
    HOME: '/home/ann',
    npm_config_userconfig: '/home/ann/.npmrc',
    npm_config_globalconfig: '/usr/etc/npmrc',
    npm_config_local_prefix: '/work',
    npm_config_prefix: '/usr',
    npm_config_user_agent: 'npm/11',
    npm_config_registry: undefined,
  };
  expect(identifyPackage(command, usual).kind).toBe('package');
  for (const other of [
    { ...usual, npm_config_userconfig: '/tmp/x/.npmrc' },
    { ...usual, npm_config_globalconfig: '/tmp/npmrc' },
    { ...usual, HOME: undefined },
    { ...usual, npm_config_registry: 'https://packages.example' },
  ])
    expect(identifyPackage(command, other).kind).toBe('unknown');
});

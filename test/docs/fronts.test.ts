/** examples/listener: the files for nginx and Caddy, run before a listener, with TLS, as an agent meets them. */
import { describe, expect, test } from 'bun:test';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { NGINX } from '../harness/nginx.ts';
import { BUN, ROOT, temporaryFolder } from '../harness/paths.ts';
import { startListener } from '../harness/program.ts';
import { until } from '../harness/wait.ts';

const NAME = 'mcp.example.com';
const PUBLIC = `https://${NAME}`;
const CADDY = ['/usr/bin/caddy', '/usr/local/bin/caddy', '/opt/homebrew/bin/caddy'].find((path) => existsSync(path));
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

interface Front {
  readonly name: string;
  readonly isThere: boolean;
  /** Starts the example in the folder, on `port`, before a listener on `listens`. */
  start(folder: string, port: number, listens: string): ChildProcess;
}

const read = (name: string) => readFileSync(join(ROOT, 'examples/listener', name), 'utf8');

/** The example as it stands, but for names of files and ports of this machine. */
const FRONTS: readonly Front[] = [
  {
    name: 'nginx.conf',
    isThere: NGINX !== undefined && hasOpenssl,
    start(folder, port, listens) {
      const make = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=mcp.example.com -keyout key -out pem';
      spawnSync('openssl', make.split(' '), { cwd: folder });
      const server = read('nginx.conf')
        .replace(/\/etc\/ssl\/\S+\.pem/, join(folder, 'pem'))
        .replace(/\/etc\/ssl\/\S+\.key/, join(folder, 'key'))
        .replace('listen 443', `listen 127.0.0.1:${port}`)
        .replace('127.0.0.1:8700', listens);
      const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${kind};`).join(' ');
      const head = `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; pid ${folder}/pid; error_log ${folder}/errors;`;
      writeFileSync(join(folder, 'nginx.conf'), `${head}\nevents {}\nhttp { access_log off; ${places}\n${server}\n}\n`);
      return spawn(NGINX ?? '', ['-p', folder, '-c', 'nginx.conf'], { stdio: 'ignore' });
    },
  },
  {
    name: 'Caddyfile',
    isThere: CADDY !== undefined,
    start(folder, port, listens) {
      // Certificates of its own making, since nobody outside vouches for this name.
      const own = `{\n\tadmin off\n\thttps_port ${port}\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n`;
      const file = join(folder, 'Caddyfile');
      writeFileSync(file, own + read('Caddyfile').replace('127.0.0.1:8700', listens));
      mkdirSync(join(folder, 'data'));
      const env = { ...process.env, XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: join(folder, 'data') };
      return spawn(CADDY ?? '', ['run', '--config', file], { stdio: 'ignore', env });
    },
  },
];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Asked {
  readonly path: string;
  readonly body?: object;
  readonly session?: string | undefined;
}

/** Asks by the public name, as DNS would lead here. */
function ask(port: number, { path, body, session }: Asked) {
  const headers = {
    host: NAME,
    accept: 'application/json, text/event-stream',
    ...(body && { 'content-type': 'application/json' }),
    ...(session !== undefined && { 'mcp-session-id': session }),
  };
  const options = { host: '127.0.0.1', port, path, method: body ? 'POST' : 'GET', servername: NAME, headers, rejectUnauthorized: false };
  return new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const asked = request(options, resolve);
    asked.on('error', reject);
    asked.end(body && JSON.stringify(body));
  });
}

/** The JSON-RPC message in an answer of either kind. */
function messageIn(answer: string) {
  return JSON.parse(/^data: (.*)$/m.exec(answer)?.[1] ?? answer);
}

const CLIENT = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };

describe.each([...FRONTS])('$name', ({ isThere, start }) => {
  test.skipIf(!isThere)(
    'an agent initializes, lists, calls and gets an event stream through it',
    async () => {
      const { path, remove } = await temporaryFolder();
      const port = await freePort();
      await using listener = await startListener({
        policy: 'version: "1"\nname: front\ndefault: deny\nmethods: deny\ntools: { list_customers: { rules: [] } }\n',
        flags: ['--public-url', PUBLIC],
        server: [BUN, join(ROOT, 'examples/server.ts')],
      });
      const front = start(path, port, new URL(listener.url).host);
      const ended = new Promise((resolve) => front.once('close', resolve));
      try {
        await until('the front to answer', () =>
          ask(port, { path: '/healthz' }).then(
            async (answer) => (await text(answer)) !== '' || answer.statusCode === 200 || undefined,
            () => undefined,
          ),
        );
        const opened = await ask(port, { path: '/mcp', body: { jsonrpc: '2.0', id: 1, method: 'initialize', params: CLIENT } });
        const session = String(opened.headers['mcp-session-id']);
        expect(messageIn(await text(opened)).result.serverInfo.name).toBeString();
        const post = async (body: object) =>
          messageIn(await text(await ask(port, { path: '/mcp', session, body: { jsonrpc: '2.0', ...body } })));
        await text(await ask(port, { path: '/mcp', session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } }));
        const { result } = await post({ id: 2, method: 'tools/list' });
        expect(result.tools.map(({ name }: { readonly name: string }) => name)).toEqual(['list_customers']);
        expect((await post({ id: 3, method: 'tools/call', params: { name: 'list_customers', arguments: {} } })).result.isError).not.toBe(
          true,
        );
        const stream = await ask(port, { path: '/sse' });
        const [first] = await Array.fromAsync(take(stream));
        expect(first).toContain('data: /message?sessionId=');
      } finally {
        front.kill('SIGTERM');
        await ended;
        await remove();
      }
    },
    60_000,
  );
});

/** The first chunk of a stream, which comes at once where nothing on the way gathers it. */
async function* take(stream: import('node:http').IncomingMessage): AsyncGenerator<string> {
  for await (const chunk of stream) {
    yield String(chunk);
    return;
  }
}

/** A real nginx before a listener, for tests of what a reverse proxy does to streams. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from './paths.ts';
import { until } from './wait.ts';

/** Where it is installed; undefined where it is not. */
export const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'].find((path) =>
  existsSync(path),
);

export interface Nginx {
  /** Posts a body, or gets a stream; resolves with the head of the answer. */
  ask(options: { readonly path: string; readonly headers?: Record<string, string>; readonly body?: string }): Promise<IncomingMessage>;
  [Symbol.asyncDispose](): Promise<void>;
}

function canConnect(path: string): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(undefined));
  });
}

/** Starts it before a port of this machine, as it comes but for `directives` in its location. It listens on a socket file. */
export async function startNginx(port: number, directives: string): Promise<Nginx> {
  const { path: folder, remove } = await temporaryFolder();
  const socketPath = join(folder, 'socket');
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) await mkdir(join(folder, name));
  const places = `client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;`;
  const server = `server { listen unix:${socketPath}; location / { proxy_pass http://127.0.0.1:${port}; proxy_set_header Host 127.0.0.1:${port}; ${directives} } }`;
  const user = process.getuid?.() === 0 ? 'user root; ' : '';
  await writeFile(
    join(folder, 'nginx.conf'),
    `${user}worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/errors;\nevents {}\nhttp { access_log off; ${places} ${server} }\n`,
  );
  const child = spawn(NGINX ?? 'nginx', ['-p', folder, '-c', 'nginx.conf'], { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('close', resolve));
  // Its socket is there a moment before it listens.
  await until('nginx to listen', () => canConnect(socketPath));
  return {
    ask: ({ path, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const types = { accept: 'application/json, text/event-stream', ...(body !== undefined && { 'content-type': 'application/json' }) };
        const method = body === undefined ? 'GET' : 'POST';
        const asked = request({ socketPath, path, method, agent: false, headers: { ...types, ...headers } }, resolve);
        asked.on('error', reject);
        asked.end(body);
      }),
    async [Symbol.asyncDispose]() {
      // Killed at once it would leave its workers behind.
      child.kill('SIGTERM');
      await exited;
      await remove();
    },
  };
}

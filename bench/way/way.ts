/**
 * `npm run bench:way`: how long the way of one stateless `tools/call` is, as the number of files and functions of
 * `src` that run for it, over stdio, over the bridge and through the listener. Counted, not timed: it holds still.
 * What runs now and then (timers) is left out: a file counts where something in it runs for each call.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { STATELESS } from '../policies.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
/** So many calls are counted, after as many that are not. */
const CALLS = 200;

type Report = readonly { readonly file: string; readonly counts: readonly number[] }[];
interface Way {
  readonly flags: readonly string[];
  /** Sends one call and waits for its answer. */
  open(proxy: Started): Promise<(id: number) => Promise<void>>;
}
interface Started {
  readonly pid: number;
  say(line: string): void;
  /** The next line that the proxy writes, on stdout or stderr. */
  line(from: 'stdout' | 'stderr', match: RegExp): Promise<string>;
}

const PARAMS = '{"name":"create_refund","arguments":{"amount":100,"currency":"usd","reason":"duplicate"}}';
const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"way","version":"1"}}}';
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const callText = (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${PARAMS}}`;

async function overStdio(proxy: Started): Promise<(id: number) => Promise<void>> {
  const ask = (text: string, id: number) => {
    proxy.say(text);
    return proxy.line('stdout', new RegExp(`"id":${id}\\b`));
  };
  await ask(INITIALIZE, 0);
  proxy.say(INITIALIZED);
  return async (id) => void (await ask(callText(id), id));
}

async function overHttp(proxy: Started): Promise<(id: number) => Promise<void>> {
  const url = /http:\/\/\S+\/mcp/.exec(await proxy.line('stderr', /LISTENING|http:\/\/127\S+\/mcp/))?.[0] ?? '';
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const opened = await fetch(url, { method: 'POST', headers, body: INITIALIZE });
  await opened.text();
  headers['mcp-session-id'] = opened.headers.get('mcp-session-id') ?? '';
  headers['mcp-protocol-version'] = '2025-06-18';
  await (await fetch(url, { method: 'POST', headers, body: INITIALIZED })).text();
  return async (id) => {
    const answer = await fetch(url, { method: 'POST', headers, body: callText(id) });
    if (!(await answer.text()).includes(`"id":${id}`)) throw new Error(`call ${id} was not answered`);
  };
}

async function count(folder: string, name: string, { flags, open }: Way): Promise<Report> {
  const [report, policy] = [join(folder, `${name}.json`), join(folder, 'policy.yaml')];
  const probe = join(import.meta.dirname, 'probe.ts');
  const child = spawn(NODE, ['--no-warnings', '--import', probe, join(ROOT, 'src/cli/main.ts'), '-c', policy, ...flags], {
    env: { ...process.env, WAY_REPORT: report, INTERCEPT_HOME: join(folder, `${name}-home`) },
  });
  const lines = { stdout: createInterface(child.stdout), stderr: createInterface(child.stderr) };
  const ended = once(child, 'exit');
  const said: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  for (const from of ['stdout', 'stderr'] as const) lines[from].on('line', (line) => said[from].push(line));
  const line: Started['line'] = async (from, match) => {
    for (;;) {
      const found = said[from].findIndex((text) => match.test(text));
      if (found >= 0) return said[from].splice(found, 1)[0] ?? '';
      if (child.exitCode !== null) throw new Error(`the proxy ended: ${said.stderr.join('\n')}`);
      await Promise.race([once(lines[from], 'line'), ended]);
    }
  };
  const call = await open({ pid: child.pid ?? -1, say: (text) => void child.stdin.write(`${text}\n`), line });
  const take = async () => {
    rmSync(report, { force: true });
    child.kill('SIGUSR2');
    while (!existsSync(report)) await pause(10);
    return JSON.parse(readFileSync(report, 'utf8')) as Report;
  };
  for (let id = 1; id <= CALLS; id++) await call(id);
  await take();
  for (let id = 1; id <= CALLS; id++) await call(CALLS + id);
  const counted = await take();
  child.kill('SIGTERM');
  await ended;
  return counted;
}

const folder = mkdtempSync(join(tmpdir(), 'intercept-way-'));
writeFileSync(join(folder, 'policy.yaml'), STATELESS);
const echo = spawn(process.execPath, [join(ROOT, 'bench/http/echo.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const [first] = (await once(createInterface(echo.stdout), 'line')) as [string];
  const upstream = /http:\/\/\S+/.exec(first)?.[0] ?? '';
  const ways: Readonly<Record<string, Way>> = {
    stdio: { flags: ['--', process.execPath, join(ROOT, 'bench/echo-server.ts')], open: overStdio },
    bridge: { flags: ['--upstream', upstream], open: overStdio },
    listener: { flags: ['--transport', 'http', '--upstream', upstream], open: overHttp },
  };
  for (const [name, way] of Object.entries(ways)) {
    const report = await count(folder, name, way);
    const each = report
      .map(({ file, counts }) => ({
        file,
        calls: counts.reduce((sum, n) => sum + n, 0),
        functions: counts.filter((n) => n >= CALLS).length,
      }))
      .filter(({ functions }) => functions > 0);
    const calls = each.reduce((sum, file) => sum + file.calls, 0) / CALLS;
    const functions = each.reduce((sum, file) => sum + file.functions, 0);
    console.log(`${name}: ${each.length} files, ${functions} functions, ${calls.toFixed(0)} calls for one tools/call`);
    if (process.argv.includes('--files'))
      for (const { file, calls } of each.toSorted((a, b) => b.calls - a.calls))
        console.log(`  ${(calls / CALLS).toFixed(1).padStart(6)}  ${file}`);
  }
} finally {
  echo.kill();
  rmSync(folder, { recursive: true, force: true });
}

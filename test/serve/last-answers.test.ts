/** wire.md §4: the end of stdin ends no server before what is in flight is answered, unless nobody reads it, or a signal came. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { awaitLastAnswers } from '../../src/serve/last-answers.ts';
import { NODE } from '../harness/paths.ts';
import { ALLOW_ALL, setUpProxy, startProxy } from '../harness/proxy.ts';
import { answerJson } from '../harness/upstream.ts';
import { result, startScripted } from '../http/scripted.ts';

// Below the minute after which a server ends in any case.
setDefaultTimeout(50_000);

/** Answers a call after a while that is longer than a server has between the end of its input and SIGTERM; `never` never. It dies of the end of its input, as many do. */
const SERVER = `
const { createInterface } = require('node:readline');
const out = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
input.on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') out(id, { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } });
  if (method === 'tools/call' && params.name !== 'never') setTimeout(() => out(id, { content: [] }), 1500);
});`;
const server = [NODE, '-e', SERVER];
const HELLO = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
const say = (tool: string) =>
  [
    { id: 1, method: 'initialize', params: HELLO },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/call', params: { name: tool, arguments: {} } },
  ].map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

test('a one-shot pipe before a command gets its answer, and the status of the server', async () => {
  await using proxy = await startProxy({ policy: ALLOW_ALL, server });
  for (const line of say('slow')) proxy.client.send(line);
  proxy.client.end();
  expect((await proxy.client.exited).code).toBe(0);
  expect(proxy.client.frames.find(({ json }) => json?.id === 2)?.json?.result).toEqual({ content: [] });
});

test('and so does one before a remote server', async () => {
  await using upstream = await startScripted(({ id, method }, _, response) => {
    if (method !== 'tools/call') return 'default';
    setTimeout(() => answerJson(response, result(id, { late: true })), 1_500);
  });
  await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', upstream.url] });
  for (const line of say('slow')) proxy.client.send(line);
  proxy.client.end();
  expect((await proxy.client.exited).code).toBe(0);
  expect(proxy.client.frames.find(({ json }) => json?.id === 2)?.json?.result).toEqual({ late: true });
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it at once', async (signal) => {
  await using proxy = await startProxy({ policy: ALLOW_ALL, server });
  for (const line of say('never')) proxy.client.send(line);
  await proxy.client.next(({ json }) => json?.id === 1);
  proxy.client.end();
  proxy.client.kill(signal);
  expect((await proxy.client.exited).code).toBe(signal === 'SIGTERM' ? 143 : 130);
});

describe('once nobody reads, it ends at once', () => {
  test('its parent is dead', async () => {
    const setup = await setUpProxy({ policy: ALLOW_ALL, server });
    const quoted = setup.command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    // What is in the background stays when its shell goes; the pipe ends with the last that holds it.
    const shell = spawn('sh', ['-c', `${quoted} <&3 & sleep 1`], {
      env: { ...process.env, ...setup.env },
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    (shell.stdio[3] as Writable).end(say('never').join(''));
    shell.stdout?.resume();
    await once(shell, 'close');
    await setup.remove();
  });

  test('behind a socket, as Node.js gives its children', async () => {
    const setup = await setUpProxy({ policy: ALLOW_ALL, server });
    const parent = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.argv[1], process.argv.slice(2), { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.end(${JSON.stringify(say('never').join(''))});
      child.stdout.once('data', () => child.stdout.destroy());
      child.on('exit', () => process.exit(0));`;
    const process_ = spawn(NODE, ['-e', parent, ...setup.command], { env: { ...process.env, ...setup.env }, stdio: 'ignore' });
    await once(process_, 'exit');
    await setup.remove();
  });
});

test('after a minute it ends in any case', async () => {
  let now = 0;
  let looks = 0;
  const pause = async (ms: number) => {
    now += ms;
  };
  await awaitLastAnswers({
    ...{ now: () => now, pause, isRead: () => true, isOver: () => false },
    session: { openRequests: () => ++looks },
  });
  expect(now).toBe(60_000);
});

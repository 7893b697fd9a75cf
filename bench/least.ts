/**
 * The least that the guarantees take: the bare line relay, with each frame read strictly (I7) and for each call two
 * chained records written, one before it goes on (I3). No policy, no masking, no stderr, no settlement: what the proxy
 * costs beyond this is its own doing. Usage: `least -- <command…>`.
 */
import { createHmac, hash } from 'node:crypto';
import { mkdtempSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalText } from '../src/core/fingerprint.ts';
import { readClientFrame, readToolCall } from '../src/mcp/messages/client.ts';
import { readServerFrame } from '../src/mcp/messages/server.ts';
import { childEnvironment, startChild } from '../src/process/child.ts';
import { exitStatus, onSignals } from '../src/process/exit.ts';
import { openStdio } from '../src/process/stdio.ts';
import { createLines } from './lines.ts';

const [command = '', ...args] = process.argv.slice(2).filter((arg, i) => i > 0 || arg !== '--');
const file = openSync(join(mkdtempSync(join(tmpdir(), 'intercept-least-')), 'records'), 'a');
const child = await startChild(command, args, childEnvironment(process.env, []));
const agent = openStdio();
const key = 'k'.repeat(32);
let last = '0'.repeat(64);

function record(fields: string): string {
  const line = `{"ts":"${new Date().toISOString()}","prev":"${last}"${fields}}\n`;
  last = hash('sha256', line);
  return line;
}

/** The record of a call, as far as it cannot be left out; nothing for what is no call. */
function callRecord(line: Uint8Array): string {
  const frame = readClientFrame(line.subarray(0, line.length - 1), { maxDepth: 256, maxName: 1024 });
  const call = frame.kind === 'request' && frame.method === 'tools/call' ? readToolCall(frame) : undefined;
  if (!call || 'kind' in call) return '';
  const argsHash = createHmac('sha256', key).update(canonicalText(call.args)).digest('hex');
  return record(`,"tool":${JSON.stringify(call.name)},"args":${call.argsText},"args_hash":"${argsHash}"`);
}

function outcomeRecord(line: Uint8Array): string {
  const frame = readServerFrame(line.subarray(0, line.length - 1));
  return frame.kind === 'response' ? record(`,"result":"${frame.isError ? 'released' : 'committed'}"`) : '';
}

const toChild = createLines();
const toAgent = createLines();
agent.onChunk((chunk) => {
  const lines = toChild(chunk);
  const records = lines.map(callRecord).join('');
  if (records !== '') writeSync(file, records);
  for (const line of lines) if (!child.write(line)) agent.pause();
});
child.onChunk((chunk) => {
  const lines = toAgent(chunk);
  const records = lines.map(outcomeRecord).join('');
  for (const line of lines) if (!agent.write(line)) child.pause();
  if (records !== '') writeSync(file, records);
});
child.onDrain(() => agent.resume());
agent.onDrain(() => child.resume());
agent.onEnd(() => void child.stop('graceful'));
agent.onError(() => void child.stop('graceful'));
onSignals((signal) => void child.stop('now', signal));
child.onExit(async (exit) => {
  await agent.flush(1_000);
  process.exit(exitStatus(exit));
});

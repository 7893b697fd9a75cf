/** The measuring side: speaks MCP over stdio with one contestant, as cheaply as it can. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createLines } from './lines.ts';

/** One way from the agent to the server: a command line. */
export interface Contestant {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Agent {
  readonly name: string;
  /** From spawn to the answer of `initialize`, ms. */
  readonly ready: number;
  /** Calls a tool with this JSON text as arguments, and takes whatever answer comes. */
  call(tool: string, args: string): Promise<void>;
  /** One call after the other; answers with the µs of each. */
  sequential(calls: number): Promise<readonly number[]>;
  /** `width` calls in flight all the time; answers with calls per second. */
  concurrent(calls: number, width: number): Promise<number>;
  /** Resident memory of the contestant's own process (not of its server), MiB. */
  memory(): number;
  close(): Promise<void>;
}

const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1.0.0"}}}\n';
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}\n';

/** Starts a contestant, shakes hands, and lists the tools once, as clients do. */
export async function startAgent({ name, command, env }: Contestant): Promise<Agent> {
  const began = performance.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'ignore'] });
  const failed = once(child, 'exit').then(
    ([code]): Promise<never> => Promise.reject(new Error(`${name} ended (status ${code}) while it was measured`)),
  );
  failed.catch(() => {});
  const lines = createLines();
  let id = 0;
  let take: (line: Uint8Array) => void = () => {};
  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of lines(chunk)) take(line);
  });
  const ask = (text: string) =>
    Promise.race([
      failed,
      new Promise<Uint8Array>((resolve) => {
        take = resolve;
        child.stdin.write(text);
      }),
    ]);
  await ask(INITIALIZE);
  const ready = performance.now() - began;
  child.stdin.write(INITIALIZED);
  await ask(`{"jsonrpc":"2.0","id":${++id},"method":"tools/list"}\n`);
  return {
    name,
    ready,
    call: async (tool, args) => {
      const params = `{"name":${JSON.stringify(tool)},"arguments":${args}}`;
      await ask(`{"jsonrpc":"2.0","id":${++id},"method":"tools/call","params":${params}}\n`);
    },
    sequential: async (calls) => {
      const times: number[] = [];
      for (let i = 0; i < calls; i++) {
        const text = callText(++id);
        const from = performance.now();
        const line = await ask(text);
        times.push((performance.now() - from) * 1_000);
        checkAnswer(name, line);
      }
      return times;
    },
    concurrent: (calls, width) =>
      Promise.race([
        failed,
        new Promise<number>((resolve) => {
          const from = performance.now();
          let sent = 0;
          let answered = 0;
          const send = () => {
            if (sent++ < calls) child.stdin.write(callText(++id));
          };
          take = (line) => {
            checkAnswer(name, line);
            if (++answered === calls) resolve((calls / (performance.now() - from)) * 1_000);
            else send();
          };
          for (let i = 0; i < width; i++) send();
        }),
      ]),
    memory: () => memoryOf(child.pid),
    close: async () => {
      child.stdin.end();
      const stuck = setTimeout(() => {
        process.stderr.write(`${name} did not end within 5 s of EOF: killed\n`);
        child.kill('SIGKILL');
      }, 5_000);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      clearTimeout(stuck);
    },
  };
}

/** Resident memory of a process, MiB. */
export function memoryOf(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** About 300 bytes, as calls of a payment server are. */
export function callText(id: number): string {
  const args = `{"charge":"ch_3Nirxj2eZvKYlo2C0S2r7fJm","amount":100,"currency":"usd","reason":"requested_by_customer","note":"order ${id}"}`;
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"create_refund","arguments":${args},"_meta":{"progressToken":${id}}}}\n`;
}

/** A denied call is cheap: a bench that measured denials would say nothing. */
export function checkAnswer(name: string, line: Uint8Array): void {
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
  if (!text.includes('re_1Nispe2eZvKYlo2Cd31jOCgZ')) throw new Error(`${name} did not pass the call: ${text.slice(0, 300)}`);
}

/**
 * A raw MCP client over stdio: it writes exactly the bytes it is given and keeps exactly the lines it reads, so that
 * a test sees what an SDK would hide.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readLines } from './lines.ts';
import { type Message, parseMessage } from './message.ts';
import { PATIENCE_MS } from './wait.ts';

/** One line that the process wrote. `json` is undefined where the line is no JSON. */
export interface Frame {
  readonly text: string;
  readonly json: Message | undefined;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RawClient {
  readonly pid: number;
  /** Every line so far, taken or not, in the order it came. */
  readonly frames: readonly Frame[];
  /** What the process wrote to stderr so far. */
  stderr(): string;
  /** Writes exactly this; no line feed is added. */
  send(bytes: string | Uint8Array): void;
  /** Writes one message, or one line of text, with its line feed. */
  sendLine(message: object | string): void;
  /** Takes the first line not yet taken that `match` accepts, waiting for it if need be. */
  next(match?: (frame: Frame) => boolean, timeoutMs?: number): Promise<Frame>;
  /** Sends a request under an id of its own and takes the answer to it. */
  request(method: string, params?: object, timeoutMs?: number): Promise<Message>;
  notify(method: string, params?: object): void;
  /** The whole legacy handshake; resolves with the answer to `initialize`. */
  initialize(version?: string, capabilities?: object): Promise<Message>;
  /** Closes the process's stdin. */
  end(): void;
  /** Ends its own, and reads no more. */
  leave(): void;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  /** Closes stdin and waits for the exit; SIGKILL after `timeoutMs`. */
  close(timeoutMs?: number): Promise<Exit>;
}

export interface SpawnOptions {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called with each line as it comes, before anyone takes it. */
  readonly onFrame?: ((frame: Frame) => void) | undefined;
  /** Of a flood, the lines to keep; all by default. */
  readonly keeps?: ((line: string) => boolean) | undefined;
}

interface Waiter {
  readonly match: (frame: Frame) => boolean;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
}

/** Starts `command` and speaks to it. The environment is this process's own, with `env` over it. */
export function openClient(command: readonly string[], options: SpawnOptions = {}): RawClient {
  const [file, ...args] = command;
  if (file === undefined) throw new Error('a command needs a program');
  const child = spawn(file, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: 'pipe' });
  const inbox = openInbox(options);
  const stderr: Buffer[] = [];
  child.stdout.on('data', readLines(inbox.add).push);
  child.stderr.on('data', (chunk: Buffer) => void stderr.push(chunk));
  child.stdin.on('error', () => {}); // the process has gone: `exited` and the pending `next` tell
  const said = () => Buffer.concat(stderr).toString('utf8');
  const exited = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      inbox.fail(`${file} ended (${signal ?? `status ${code}`})`, said());
      resolve({ code, signal });
    });
  });
  exited.catch((error: Error) => inbox.fail(`${file} did not start: ${error.message}`, ''));
  return speak(child, inbox, exited, said);
}

function speak(child: ChildProcessWithoutNullStreams, inbox: Inbox, exited: Promise<Exit>, stderr: () => string): RawClient {
  let ids = 0;
  const send = (bytes: string | Uint8Array) => void child.stdin.write(bytes);
  const sendLine = (message: object | string) => send(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  const notify = (method: string, params?: object) => sendLine({ jsonrpc: '2.0', method, ...(params && { params }) });
  const request = async (method: string, params?: object, timeoutMs = PATIENCE_MS) => {
    const id = `h${++ids}`;
    sendLine({ jsonrpc: '2.0', id, method, ...(params && { params }) });
    return (await inbox.next((frame) => isAnswer(frame, id), timeoutMs, `the answer to ${method}`, stderr)).json as Message;
  };
  const initialize = async (version = '2025-11-25', capabilities: object = {}) => {
    const answer = await request('initialize', { protocolVersion: version, capabilities, clientInfo: { name: 'harness', version: '1' } });
    notify('notifications/initialized');
    return answer;
  };
  const close = async (timeoutMs = PATIENCE_MS) => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    return exited.finally(() => clearTimeout(timer));
  };
  return {
    pid: child.pid ?? -1,
    frames: inbox.frames,
    stderr,
    send,
    sendLine,
    next: (match = () => true, timeoutMs = PATIENCE_MS) => inbox.next(match, timeoutMs, 'a matching line', stderr),
    request,
    notify,
    initialize,
    end: () => void child.stdin.end(),
    leave() {
      child.stdin.end();
      child.stdout.destroy();
    },
    kill: (signal) => void child.kill(signal),
    exited,
    close,
  };
}

/** Whether a line answers the request with this id: it has the id and no method of its own. */
export function isAnswer(frame: Frame, id: string | number): boolean {
  return frame.json?.id === id && frame.json.method === undefined;
}

interface Inbox {
  readonly frames: readonly Frame[];
  add(line: string): void;
  next(match: (frame: Frame) => boolean, timeoutMs: number, what: string, stderr: () => string): Promise<Frame>;
  fail(why: string, stderr: string): void;
}

function openInbox({ onFrame, keeps }: SpawnOptions): Inbox {
  const frames: Frame[] = [];
  const untaken: Frame[] = [];
  const waiters = new Set<Waiter>();
  let ended: Error | undefined;
  const add = (text: string) => {
    if (keeps && !keeps(text)) return;
    const frame = { text, json: parseMessage(text) };
    frames.push(frame);
    onFrame?.(frame);
    for (const waiter of waiters) if (waiter.match(frame)) return waiter.resolve(frame);
    untaken.push(frame);
  };
  const next: Inbox['next'] = (match, timeoutMs, what, stderr) => {
    const at = untaken.findIndex(match);
    if (at >= 0) return Promise.resolve(untaken.splice(at, 1)[0] as Frame);
    if (ended) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => waiter.reject(new Error(`no ${what} within ${timeoutMs} ms; ${lastLine(frames)}; stderr: ${stderr()}`)),
        timeoutMs,
      );
      const settle = () => {
        clearTimeout(timer);
        waiters.delete(waiter);
      };
      const waiter: Waiter = {
        match,
        resolve: (frame) => {
          settle();
          resolve(frame);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      waiters.add(waiter);
    });
  };
  const fail = (why: string, stderr: string) => {
    ended = new Error(`${why}; stderr: ${stderr}`);
    for (const waiter of [...waiters]) waiter.reject(ended);
  };
  return { frames, add, next, fail };
}

function lastLine(frames: readonly Frame[]): string {
  return `${frames.length} lines so far, the last: ${frames.at(-1)?.text.slice(0, 300)}`;
}

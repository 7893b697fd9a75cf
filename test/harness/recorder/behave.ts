/** What the recording server's tools do once a call was logged. */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Behaviour, Tool } from './config.ts';
import type { Tasks } from './tasks.ts';

export type Answer = Readonly<Record<string, unknown>>;

export interface Call {
  readonly id: unknown;
  readonly era: 'legacy' | 'modern';
  readonly params: Readonly<Record<string, unknown>>;
  /** How often this tool was called before. */
  readonly calls: number;
}

export interface Io {
  readonly tools: Tool[];
  /** Calls so far, by tool. */
  readonly uses: Map<string, number>;
  write(message: object): void;
  writeLine(line: string): void;
  /** Tells clients that the tool list changed. */
  announce: () => void;
  /** Takes a response from the client. */
  hear(message: Readonly<Record<string, unknown>>): void;
  ask(method: string, params: object | undefined): Promise<Readonly<Record<string, unknown>>>;
}

/** A result, with what its era wants on it. */
export function complete(call: Call, result: object): Answer {
  return { jsonrpc: '2.0', id: call.id, result: call.era === 'modern' ? { resultType: 'complete', ...result } : result };
}

/** A JSON-RPC error. */
export function answerError(call: Call, code: number, message: string, data?: unknown): Answer {
  return { jsonrpc: '2.0', id: call.id, error: { code, message, ...(data !== undefined && { data }) } };
}

/** Runs a tool; undefined where it answers nothing. */
export function runTool(tool: Tool, call: Call, io: Io, tasks: Tasks): Promise<Answer | undefined> {
  const calls = io.uses.get(tool.name) ?? 0;
  io.uses.set(tool.name, calls + 1);
  return behave(tool.behaviour, { ...call, calls }, io, tasks);
}

function text(content: string): object {
  return { content: [{ type: 'text', text: content }] };
}

async function behave(behaviour: Behaviour | undefined, call: Call, io: Io, tasks: Tasks): Promise<Answer | undefined> {
  const go = (next: Behaviour | undefined) => behave(next, call, io, tasks);
  switch (behaviour?.do) {
    case undefined:
    case 'answer':
      return complete(call, behaviour?.result ?? text(JSON.stringify(call.params.arguments ?? {})));
    case 'error':
      return answerError(call, behaviour.code, behaviour.message, behaviour.data);
    case 'is_error':
      return complete(call, { ...text(behaviour.text), isError: true, ...behaviour.result });
    case 'input_required':
      return call.calls < (behaviour.times ?? 1) ? askInput(behaviour, call) : go(behaviour.next);
    case 'task':
      return tasks.open(behaviour, call) ?? complete(call, behaviour.end.result ?? text('not a task'));
    case 'delay':
      await pause(behaviour.ms);
      return go(behaviour.next);
    case 'await_file':
      while (!existsSync(behaviour.path)) await pause(5);
      return go(behaviour.next);
    case 'silence':
      return undefined;
    case 'raw':
      for (const line of behaviour.lines) io.writeLine(line.replaceAll('$ID', JSON.stringify(call.id)));
      return behaviour.next && go(behaviour.next);
    case 'huge':
      return complete(call, text('x'.repeat(behaviour.bytes)));
    case 'exit':
      return end(behaviour);
    case 'change_list':
      io.tools.push(behaviour.add);
      io.announce();
      return go(behaviour.next);
    case 'ask_client':
      return complete(call, text(JSON.stringify(await io.ask(behaviour.method, behaviour.params))));
    case 'progress':
      for (let step = 1; step <= behaviour.steps; step++) reportProgress(step, behaviour.steps, call, io);
      return go(behaviour.next);
    case 'sequence':
      return go(behaviour.steps[Math.min(call.calls, behaviour.steps.length - 1)]);
  }
}

function askInput(behaviour: Behaviour & { readonly do: 'input_required' }, call: Call): Answer {
  const { inputRequests, requestState } = behaviour;
  return complete(call, {
    resultType: 'input_required',
    ...(inputRequests && { inputRequests }),
    ...(requestState !== undefined && { requestState }),
  });
}

function reportProgress(progress: number, total: number, call: Call, io: Io): void {
  const meta = call.params._meta as { readonly progressToken?: string | number } | undefined;
  if (meta?.progressToken === undefined) return;
  io.write({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: meta.progressToken, progress, total } });
}

function end(behaviour: Behaviour & { readonly do: 'exit' }): undefined {
  if (behaviour.signal) process.kill(process.pid, behaviour.signal);
  else process.exit(behaviour.status ?? 1);
}

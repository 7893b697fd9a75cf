/** Scans a server: starts it as the proxy would, asks it who it is and for all its tools, and ends it (setup.md §2). */
import { CommandError, EXIT } from '../core/fault.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { isStrictValue } from '../mcp/json/edit.ts';
import { readJson } from '../mcp/json/values.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';
import { MODERN } from '../mcp/messages/revisions.ts';
import type { ScannedServer } from './draft/model.ts';
import { collectLastWords } from './last-words.ts';
import type { ScannedTool } from './risk/risk.ts';
import { type AskedServer, askServer, type ServerListing } from './server-tools.ts';

export interface ScanOptions {
  /** For all of it, ms. */
  readonly timeout: number;
  /** Gets its name once it has one, and how many tools came so far. */
  readonly onProgress?: (server: string | undefined, tools: number) => void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The server as it describes itself. Throws `CommandError` with the last lines of its stderr, or `StartError`. Nothing that
 * it writes is printed, and nothing that it started is left running.
 */
export async function scanServer(asked: AskedServer, env: Environment, { timeout, onProgress }: ScanOptions): Promise<ScannedServer> {
  const words = collectLastWords(env, asked.remote);
  const options = { patience: timeout, isWhole: true, onError: words.onError, ...(onProgress && { onProgress }) };
  try {
    return scannedOf(await askServer(asked, env, options));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw explained(error, words.lines());
  }
}

/** The error, with what the server said last, and what to do about that. */
function explained({ message, help }: CommandError, lines: readonly string[]): CommandError {
  if (lines.length === 0) return new CommandError(message, EXIT.failed, help);
  const wanted = wantedVariable(lines);
  const said = ['the server said last:', ...lines.map((line) => `  | ${line}`)].join('\n');
  return new CommandError(`${message}\n${said}`, EXIT.failed, wanted ?? help);
}

const CREDENTIAL = /\b(?:api[ _-]?key|access[ _-]?token|token|credentials?|secret|password|unauthori[sz]ed|log ?in|authenticat\w+)\b/i;
const VARIABLE = /\b[A-Z][A-Z0-9]{1,40}(?:_[A-Z0-9]{1,40}){1,6}\b/;

/** Names the variable, or the credential, that it seems to want. */
function wantedVariable(lines: readonly string[]): string | undefined {
  const line = lines.find(
    (each) =>
      VARIABLE.test(each) && /required|missing|must|not set|not found|not provided|provide|undefined|need|expected|invalid/i.test(each),
  );
  const [variable] = (line === undefined ? null : VARIABLE.exec(line)) ?? [];
  if (variable !== undefined) return `it seems to ask for ${variable}: set that variable, and scan again`;
  if (!lines.some((each) => CREDENTIAL.test(each))) return undefined;
  return 'it seems to ask for credentials: set the variables that its documentation names, and scan again';
}

function scannedOf({ greeting, isModern, tools }: ServerListing): ScannedServer {
  const capabilities = objectAt(greeting, 'capabilities');
  const info = objectAt(greeting, 'serverInfo');
  const protocol = isModern ? MODERN : textAt(greeting, 'protocolVersion');
  return {
    ...(info && { info: { name: textAt(info, 'name') ?? '', version: textAt(info, 'version') ?? '' } }),
    ...(protocol !== undefined && { protocol }),
    resources: capabilities?.has('resources') ?? false,
    prompts: capabilities?.has('prompts') ?? false,
    tools: tools.map(scannedTool),
  };
}

/** The parts of a definition that can be read in one way alone. */
function scannedTool({ name, definition, inputSchema }: ListedTool): ScannedTool {
  const whole = isStrictValue(definition, 0) ? readJson(definition) : undefined;
  const description = isObject(whole) ? textAt(whole, 'description') : undefined;
  const annotations = isObject(whole) ? whole.get('annotations') : undefined;
  return {
    name,
    ...(description !== undefined && { description }),
    ...(inputSchema !== undefined && { inputSchema }),
    ...(annotations !== undefined && { annotations }),
  };
}

function objectAt(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value: Json | undefined = object?.get(key);
  return isObject(value) ? value : undefined;
}

function textAt(object: JsonObject | undefined, key: string): string | undefined {
  const value: Json | undefined = object?.get(key);
  return typeof value === 'string' ? value : undefined;
}

/** Programs that stand before other servers themselves: they are named, and left. */

interface Gateway {
  readonly name: string;
  /** The words of its command, from the program on; `*` is any one. */
  readonly words: readonly string[];
}

const GATEWAYS: readonly Gateway[] = [
  { name: "Docker's MCP gateway", words: ['docker', 'mcp', 'gateway', 'run'] },
  { name: 'Invariant gateway', words: ['invariant-gateway'] },
  { name: 'pipelock', words: ['pipelock', 'mcp', 'proxy'] },
  { name: 'node9', words: ['node9', 'mcp'] },
  { name: 'ToolHive', words: ['thv'] },
  { name: 'mcpproxy', words: ['mcpproxy'] },
  { name: 'rampart', words: ['rampart', 'mcp'] },
  { name: 'mcp-guardian', words: ['mcp-guardian'] },
];

/** Words that only bring the program that follows: a runner of packages, or the shell of Windows. */
const RUNNERS: ReadonlySet<string> = new Set(['npx', 'uvx', 'bunx', 'pnpx', 'cmd', '/c', '-y', '--yes', 'x', 'dlx', 'run', 'pipx']);

/** Why a command is left: another gateway stands there. Undefined where none does. */
export function gatewayOf(command: readonly string[]): string | undefined {
  const words = command.map(baseName);
  const start = words.findIndex((word) => !RUNNERS.has(word));
  const own = start < 0 ? [] : words.slice(start);
  const found = GATEWAYS.find(({ words: of }) => of.every((word, at) => own[at] === word));
  return found && `${found.name} stands there, a gateway of its own: what it starts is not seen from here`;
}

/** The name of a program, without its folder, its ending on Windows, and a version. */
export function baseName(program: string): string {
  const last = program.split(/[\\/]/).at(-1) ?? '';
  const name = program.startsWith('/c') || program === '/c' ? program : last;
  return name
    .replace(/\.(?:exe|cmd|bat|ps1)$/i, '')
    .replace(/(?<=.)@.*$/, '')
    .toLowerCase();
}

/**
 * A recording MCP server over stdio, written by hand so that no SDK cleans anything up: it logs every line it receives
 * and every call it executes, then does what its configuration says. Started with the configuration's path.
 */
import { readFileSync } from 'node:fs';
import type { RecorderConfig } from './config.ts';
import { openCore } from './core.ts';
import { cut } from './reading.ts';

function serve(config: RecorderConfig): void {
  const writeLine = (line: string) => void process.stdout.write(`${line}\n`);
  const core = openCore(config, writeLine);
  for (const line of config.banner ?? []) writeLine(line);
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text: string) => {
    const lines = cut(rest + text, config.framing ?? 'lf');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') void core.receive(line, writeLine);
  });
  process.stdin.on('end', () => {
    if (!config.ignoreEnd) process.exit(0);
    setInterval(() => {}, 60_000);
  });
}

serve(JSON.parse(readFileSync(String(process.argv[2]), 'utf8')) as RecorderConfig);

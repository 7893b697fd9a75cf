import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { parseProxyOptions } from '../../src/cli/declare/proxy.ts';
import { COMMANDS, declareCommands } from '../../src/cli/program.ts';
import { openTerminal } from '../../src/cli/terminal.ts';
import { openFolder } from './run.ts';

const HELP: Readonly<Record<string, string>> = Object.fromEntries(COMMANDS.map(({ name, help }) => [name, help]));
const PAGES = new Map(COMMANDS.flatMap(({ name, help, pages }) => [[name, help] as const, ...Object.entries(pages ?? {})]));

function declared(): Command {
  const program = new Command('intercept');
  declareCommands(program, { terminal: openTerminal(process), server: undefined, finish: () => {} });
  return program;
}

function ownFlagsOf({ options }: Command): string[] {
  return options.map(({ long }) => long ?? '').sort();
}

/** Those of its second words too: they share a screen of help. */
function flagsOf(command: Command): string[] {
  return [...new Set([command, ...command.commands].flatMap(ownFlagsOf))].sort();
}

describe('cli.md §1: help', () => {
  for (const [name, text] of PAGES) {
    test(`of ${name} fits a screen with the prompt, and has an example`, () => {
      const lines = text.split('\n');
      expect(lines.length).toBeLessThanOrEqual(22);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(text).toContain('Example: intercept ');
    });

    test(`of ${name} is what "help" prints, and says a word on each flag`, async () => {
      using folder = openFolder();
      expect(await folder.run('help', name)).toEqual({ status: 0, out: `${text}\n`, err: '' });
      const bare = text.split('\n').filter((line) => /^ {2}(?:-\w, )?--[a-z-]+(?: \S+)?$/.test(line));
      expect(bare.filter((line) => !/-h, --help|^ {2}--preserve-host$/.test(line))).toEqual([]);
    });
  }

  for (const { name, help, pages } of COMMANDS) {
    const text = [help, ...Object.values(pages ?? {})].join('\n');

    test(`of ${name} names exactly the flags that exist`, () => {
      const program = declared();
      const command = name === 'intercept' ? program : program.commands.find((candidate) => candidate.name() === name);
      if (!command) throw new Error(`no command ${name}`);
      const body = text.replace(/^Example:.*(?:\n {8,}.*)*/gm, '').replace(/^(?:Usage:| {7}intercept).*$/gm, '');
      const named = new Set([...body.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag));
      expect([...named].filter((flag) => flag !== '--help').sort()).toEqual(command === program ? ownFlagsOf(command) : flagsOf(command));
    });
  }

  test('every command has help', () => {
    const names = declared().commands.map((command) => command.name());
    expect(['intercept', ...names].sort()).toEqual(Object.keys(HELP).sort());
  });
});

describe('cli.md §1: wrong usage is status 2 and names the nearest', () => {
  const mistakes: readonly (readonly [readonly string[], string])[] = [
    [['valdate', 'p.yaml'], 'did you mean "validate"?'],
    [['-c', 'p.yaml', 'npx', '-y', 'foo'], 'a server\'s command stands after "--": intercept -c policy.yaml -- npx …'],
    [['-c', 'p.yaml', 'python', 'x.py'], 'a server\'s command stands after "--": intercept -c policy.yaml -- python …'],
    [['npx', '-y', 'foo'], 'stands after "--"'],
    [['approve', 'apr_x'], 'did you mean "intercept approvals approve"?'],
    [['deny', 'apr_x'], 'did you mean "intercept approvals deny"?'],
    [['resolve', 'k'], 'did you mean "intercept idempotency resolve"?'],
    [['run', '-c', 'p.yaml'], 'the proxy needs no word'],
    [['help', 'valdate'], 'did you mean "validate"?'],
    [['help', 'nothing-like-it'], 'there is on intercept,'],
    [['hlep'], 'did you mean "help"?'],
    [['-c', 'a', '-c', 'b', '--', 'x'], '--config is given twice'],
    [['--shadow', '--shadow', '-c', 'p', '--', 'x'], '--shadow is given twice'],
    [['-c', 'a', 'explain', '-c', 'b', '--call', 'x'], '--config is given twice'],
    [['explain', '-c', 'a', 'b.yaml', '--call', 'x'], 'more than one policy'],
    [['validate', '--json', '--json', 'p.yaml'], '--json is given twice'],
    [['--state-dir', '/x', 'approvals', 'list', '--state-dir', '/y'], '--state-dir is given twice'],
    [['--port', '1', 'status'], '--port is no flag of "status"'],
    [['-c', 'p.yaml', 'approvals', 'list'], '--config is no flag of "approvals list"'],
    [['-c', 'p.yaml', '--admin-port', '1', '--', 'x'], 'add --enable-admin-api'],
    [['validate', 'p.yaml', '--tools', 't.json', '--', 'x'], 'two lists of tools'],
    [['status', 'p.yaml'], 'intercept status -c policy.yaml'],
    [['pause', 'shop'], '"pause" takes no "shop"'],
    [['approvals', 'list', 'x'], '"approvals list" takes no "x"'],
    [['approvals', 'approve', 'a', 'b'], 'takes one ID, and got 2'],
    [['-c', 'p.yaml', '--transport', 'htttp', '--', 'x'], '--transport cannot be "htttp"'],
    [['-c', 'p.yaml', '--transport', 'htttp', '--', 'x'], 'did you mean "http"?'],
    [['-c'], 'write "--config <file>"'],
    [['approvals', 'approve', 'x', '--nope'], 'see "intercept approvals approve --help"'],
    [['status', '--nope'], 'see "intercept status --help"'],
    [['completion'], 'bash, zsh or fish'],
    [['completion', 'bsh'], 'did you mean "bash"?'],
    [['--confg', 'p.yaml', '--', 'x'], 'did you mean "--config"?'],
    [['explain', '-c', 'p', '--cal', 'x'], 'did you mean "--call"?'],
    [['status', '--wach'], 'did you mean "--watch"?'],
    [['-c', 'p.yaml'], 'after "--"'],
    [['-c', 'p.yaml', '--'], 'after "--"'],
    [['--', 'server'], '-c policy.yaml'],
    [['-c', 'p.yaml', '--state-timeout', 'soon', '--', 'x'], '250ms'],
    [['-c', 'p.yaml', '--max-message', '-1', '--', 'x'], '10MiB'],
    [['-c', 'p.yaml', '--log-level', 'loud', '--', 'x'], 'debug, info, warn or error'],
    [['-c', '', '--', 'x'], '--config is empty'],
    [['validate'], 'policy.yaml'],
    [['test', 'x', '--min-coverage', '101'], 'percentage'],
    [['explain', '--call', 'x'], '-c policy.yaml'],
    [['explain', '-c', 'p.yaml'], '--call NAME'],
    [['explain', '-c', 'p.yaml', '--method', 'ping', '--args', '{}'], '--args is about a tool call'],
    [['status', '--', 'x'], 'takes no server'],
    [['pause', '--since', '1h'], '--since'],
    [['approvals', 'aprove', 'apr_x'], 'did you mean "approve"?'],
    [['approvals', 'approve'], '"approvals approve" needs the ID'],
    [['approvals', 'list', '--', 'x'], 'takes no server'],
    [['approvals', 'approve', 'apr_x', '--as', ''], '--as is empty'],
    [['idempotency', 'resolve', 'k'], '"--happened" or "--did-not"'],
    [['idempotency', 'resolve', 'k', '--happened', '--did-not'], '"--happened" or "--did-not"'],
  ];
  for (const [argv, expected] of mistakes) {
    test(argv.join(' '), async () => {
      using folder = openFolder();
      const { status, out, err } = await folder.run(...argv);
      expect(err).toContain(expected);
      expect(err).toMatch(/^intercept: (?![A-Z]).*\nhelp: (?![A-Z]).*\n$/);
      expect(err).not.toContain('    at ');
      expect(out).toBe('');
      expect(status).toBe(2);
    });
  }

  test('flags of what does not exist yet are unknown', async () => {
    using folder = openFolder();
    for (const flag of ['--state-dsn']) {
      expect((await folder.run('-c', 'p.yaml', flag, 'x', '--', 'y')).status).toBe(2);
    }
  });
});

describe('cli.md §1: the command line', () => {
  test("what follows -- is the server's, whatever it says", async () => {
    using folder = openFolder();
    const { status, err } = await folder.run('-c', folder.write('p.yaml', 'version: "1"\n'), '--', 'status', '--help');
    expect(err).not.toContain('unknown');
    expect(status).not.toBe(2);
  });

  test('help and version are results', async () => {
    using folder = openFolder();
    expect(await folder.run('--help')).toEqual({ status: 0, out: `${HELP.intercept}\n`, err: '' });
    expect((await folder.run('pause', '--help')).out).toBe(`${HELP.pause}\n`);
    expect((await folder.run('--version')).out).toMatch(/^\d+\.\d+\.\d+/);
    expect(await folder.run('version')).toEqual(await folder.run('--version'));
    expect(await folder.run('help')).toEqual(await folder.run('--help'));
    expect(await folder.run('help', 'approvals', 'approve')).toEqual(await folder.run('approvals', '--help'));
    expect(await folder.run('help', 'help')).toEqual(await folder.run('help'));
  });

  test('defaults of the proxy are those of the documents', () => {
    const options = parseProxyOptions({ config: 'p.yaml' }, { INTERCEPT_HOME: '/srv/i' });
    expect(options.state.name).toBe('/srv/i/state');
    expect(options).toMatchObject({
      home: '/srv/i',
      stateFailMode: 'closed',
      stateTimeout: 250,
      maxMessage: 10_485_760,
      auditArgs: 'redacted',
      auditRetention: 2_592_000_000,
    });
  });
});

test('A16: what files are called, and what others wrote, moves no cursor: not in results, not in errors, not in JSON', async () => {
  using folder = openFolder();
  const evil = '\u001b[2J\u009b31m\u202eevil';
  const [valid, invalid, cases] = ['ok.yaml', 'bad.yaml', 'x.test.yaml'].map((name) =>
    folder.write(`${evil}${name}`, name === 'bad.yaml' ? 'x: 1\n' : 'version: "1"\n'),
  );
  const runs = [
    ['validate', valid, invalid],
    ['validate', '--json', valid, invalid],
    ['validate', `${evil}absent`],
    ['test', cases],
    ['test', '--json', cases],
    ['explain', '-c', invalid, '--call', evil],
    ['explain', '-c', valid, '--call', evil, '--json'],
    ['approvals', 'show', evil],
    ['idempotency', 'resolve', evil, '--happened'],
    ['pause', '--json', '--reason', evil],
    ['status', '--json'],
    ['status'],
    ['--nope', evil],
    [evil],
    ['status', '--since', evil],
  ];
  for (const argv of runs) {
    const { out, err } = await folder.run(...argv.map(String));
    expect(out + err).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
    if (argv.includes('--json') && out !== '') expect(JSON.parse(out)).toBeDefined();
  }
});

test('what fails at its start leaves no empty audit file', async () => {
  using folder = openFolder();
  const events = join(String(folder.env.INTERCEPT_HOME), 'events');
  const policy = folder.write('p.yaml', 'version: "1"\n');
  for (const argv of [
    ['-c', policy, '--', 'no-such-command-anywhere'],
    ['approvals', 'approve', 'apr_x'],
    ['approvals', 'expire'],
  ]) {
    expect((await folder.run(...argv)).status).toBe(argv[1] === 'expire' ? 0 : 1);
    expect(existsSync(events) ? readdirSync(events) : []).toEqual([]);
  }
});

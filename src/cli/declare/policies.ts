/** `intercept policies`: the library that travels with the program (setup.md §4). */
import { UsageError } from '../../core/fault.ts';
import { group, part } from './declare.ts';
import { choice, JSON_OUT, set, text } from './flags.ts';

const PRESET = {
  preset: choice('preset', ['suggested', 'read-only'], 'suggested', 'NAME', 'read-only: the tools that read, and no other'),
};
const FILE = {
  output: { ...text('file', 'FILE', 'where to write it, else ID.yaml'), short: '-o' },
  force: set('write over a file that is there'),
};

const PARTS = [
  part({
    name: 'list',
    argument: '[WORD]',
    about: 'all of them, or those that have the word in id, title, tags',
    flags: JSON_OUT,
    run: async ({ json }, { terminal }, word) => (await import('../policies.ts')).listPolicies(word, json, terminal),
  }),
  part({
    name: 'show',
    argument: 'ID',
    about: 'the policy as it is',
    flags: { ...PRESET, ...JSON_OUT },
    run: async (values, { terminal }, id) => (await import('../policies.ts')).showPolicy(id, values, terminal),
  }),
  part({
    name: 'add',
    argument: 'ID',
    about: 'write it to a file, to be edited',
    flags: { ...PRESET, ...FILE },
    run: async (values, { terminal }, id) => (await import('../policies.ts')).addPolicy(id, values, terminal),
  }),
  part({
    name: 'for',
    takesServer: true,
    about: 'which one fits a server, by its package',
    flags: JSON_OUT,
    async run({ json }, { terminal, server }) {
      if (!server?.length) throw new UsageError('no server to look for', 'write its command after "--"');
      return (await import('../policies.ts')).findPolicy(server, json, terminal);
    },
  }),
];

export const POLICIES = group({
  name: 'policies',
  parts: PARTS,
  usage: 'policies COMMAND [flags]',
  about: 'Policies that are there already, for many servers; each was made from a scan.\n"-c library:ID" runs one without a file.',
  body: [PRESET, FILE, JSON_OUT],
  end: 'Exit status: 0 found, 1 there is none.\nExample: intercept policies for -- npx -y @stripe/mcp',
});

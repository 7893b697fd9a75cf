// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of policies look like those of templates.
/** policy.md §4: `within` folders that begin with a variable, so that one policy fits two machines. */
import { describe, expect, test } from 'bun:test';
import { parseArguments } from '../../src/engine/arguments.ts';
import { decide, type Folders, loadPolicy } from '../../src/index.ts';
import { loadPolicyText } from '../../src/policy/load.ts';

const FOLDERS = { HOME: '/home/ann', POLICY_DIR: '/home/ann/shop', CWD: '/srv' };

function policyWith(value: string, key = 'conditions'): string {
  const rule = `{name: r, ${key}: [{path: args.path, op: within, value: ${value}}]${key === 'when' ? ', rate_limit: 1/day' : ''}}`;
  return `version: "1"\nname: n\ndefault: deny\nmethods: deny\ntools: {read: [${rule}]}\n`;
}

async function outcome(value: string, path: string): Promise<string> {
  const { policy } = await loadPolicy(policyWith(value), FOLDERS);
  if (!policy) throw new Error('the policy does not load');
  return decide(policy, { tool: 'read', args: { path } }).outcome;
}

async function found(value: string, folders: Folders): Promise<readonly string[]> {
  const { diagnostics } = await loadPolicyText(policyWith(value), folders);
  return diagnostics.map(({ code, message, help }) => `${code}: ${message}${help === undefined ? '' : ` | ${help}`}`);
}

describe('variables of folders', () => {
  test.each([
    ['"${HOME}/src"', '/home/ann/src/a.ts', 'allow'],
    ['"${HOME}/src"', '/home/ann/other', 'deny'],
    ['"${HOME}/src"', '${HOME}/src/a.ts', 'deny'],
    ['["/tmp", "${POLICY_DIR}/docs"]', '/home/ann/shop/docs/x', 'allow'],
    ['"${POLICY_DIR}/../shared"', '/home/ann/shared/x', 'allow'],
    ['"${CWD}"', '/srv/x', 'allow'],
    ['"${CWD}"', '/srvx', 'deny'],
  ])('%s and %s: %s', async (value, path, expected) => {
    expect(await outcome(value, path)).toBe(expected);
  });

  test('they are replaced under "when" as well', async () => {
    const { policy } = await loadPolicyText(policyWith('"${HOME}"', 'when'), FOLDERS);
    const [condition] = policy?.exact.get('read')?.rules[0]?.when ?? [];
    const args = parseArguments('{"path":"/home/ann/x"}');
    expect(args.ok && condition?.test.holds(args.args.get('path') ?? null)).toBe('true');
    expect(condition?.text).toContain('/home/ann');
  });

  test('they are part of the revision, and of what an approval was given for', async () => {
    const text = policyWith('"${HOME}/src"');
    const [one, other] = await Promise.all(['/home/ann', '/home/bob'].map((HOME) => loadPolicyText(text, { ...FOLDERS, HOME })));
    expect(one?.policy?.revision).not.toBe(other?.policy?.revision);
    expect(one?.policy?.exact.get('read')?.rules[0]?.hash).not.toBe(other?.policy?.exact.get('read')?.rules[0]?.hash);
    const plain = policyWith('/src');
    expect((await loadPolicyText(plain, FOLDERS)).policy?.revision).toBe((await loadPolicyText(plain)).policy?.revision ?? '');
  });

  test.each([
    ['"${HOME}"', { HOME: undefined }, 'unusable-folder: "${HOME}" is not known here | write the folder out'],
    ['"${HOME}"', { HOME: 'ann' }, 'unusable-folder: "${HOME}" is "ann" here, which is no absolute folder | write the folder out'],
    ['"${CWD}"', { CWD: '/' }, 'unusable-folder: "${CWD}" is "/" here, which every path is in | name a folder below it'],
    [
      '"${HOME}/../.."',
      { HOME: '/home/ann' },
      'unusable-folder: "${HOME}/../.." is "/home/ann/../.." here, which every path is in | name a folder below it',
    ],
    ['"${CWD}/"', { CWD: 'C:\\' }, 'unusable-folder: "${CWD}/" is "C:/" here, which every path is in | name a folder below it'],
  ])('%s is no folder where it is %j', async (value, folders, expected) => {
    expect(await found(value, folders)).toEqual([expected]);
  });

  test.each(['"${TMP}/x"', '"/a/${HOME}"', '"${HOME}x"', '"$HOME/x"'])('%s is none of them', async (value) => {
    const [first, ...others] = await found(value, FOLDERS);
    expect(first).toStartWith('wrong-value: the value of "within" must be an absolute folder');
    expect(others).toEqual([]);
  });
});

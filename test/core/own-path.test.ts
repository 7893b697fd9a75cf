import { describe, expect, test } from 'bun:test';
import { ownPathIn } from '../../src/core/own-path.ts';
import { argsOf } from './cases.ts';

const OWN = ['/home/u/.intercept', '/etc/policies/p.yaml'];

const REACHES = [
  '{"path":"/home/u/.intercept"}',
  '{"path":"/home/u/.intercept/state/intercept.sqlite"}',
  '{"path":"/home/u/x/../.intercept/events"}',
  '{"path":"/home//u/./.intercept/"}',
  '{"path":"/HOME/U/.Intercept/state"}',
  '{"path":"file:///home/u/.intercept/state"}',
  '{"path":"file:/home/u/.intercept/state"}',
  '{"path":"file:\\\\\\\\\\\\home\\\\u\\\\.intercept"}',
  '{"path":"FILE://127.0.0.1/etc/policies/p.yaml"}',
  '{"path":"fi\\tle:/etc/poli\\ncies/p.yaml"}',
  '{"path":"file:///etc/policies%5Cp.yaml"}',
  '{"path":"/home/u/%2eintercept/state"}',
  '{"path":"~/.intercept/state"}',
  '{"path":"../u/.intercept"}',
  '{"path":" /home/u/.intercept"}',
  '{"path":"\\\\home\\\\u\\\\.intercept"}',
  '{"a":[{"b":["/home/u/.intercept/x"]}]}',
  '{"/home/u/.intercept/x":1}',
  '{"path":"/etc/policies/p.yaml"}',
];
const ELSEWHERE = [
  '{"path":"/home/u/.intercept2"}',
  '{"path":"/home/u"}',
  '{"path":"/etc/policies/q.yaml"}',
  '{"text":"see .intercept"}',
  '{"n":1,"b":null}',
  '{"path":"/home/v/.intercept"}',
  '{}',
];

describe("policy.md §5.1: Intercept's own files", () => {
  for (const args of REACHES) test(`${args} reaches them`, () => expect(ownPathIn(argsOf(args), OWN)).toBeDefined());
  for (const args of ELSEWHERE) test(`${args} does not`, () => expect(ownPathIn(argsOf(args), OWN)).toBeUndefined());
});

describe('policy.md §5.1: a relative path leads where the server reads it from', () => {
  const reach = (path: string, folder: string) => ownPathIn(argsOf(JSON.stringify({ path })), OWN, folder);
  test.each([
    ['p.yaml', '/etc/policies'],
    [' P.yaml ', '/etc/policies'],
    ['./p.yaml', '/etc/policies'],
    ['x/../p.yaml', '/etc/policies'],
    ['.\\\\p.yaml', '/etc/policies'],
    ['policies/p.yaml', '/etc'],
    ['etc/policies/p.yaml', '/'],
    ['../policies/p.yaml', '/etc/x'],
    ['../../../etc/policies/p%2Eyaml', '/home/v'],
  ])('%s in %s reaches them', (path, folder) => expect(reach(path, folder)).toBeDefined());
  test.each([
    ['p.yaml', '/etc'],
    ['q.yaml', '/etc/policies'],
    ['some words', '/home/u/.intercept'],
    ['1/2/2026', '/home/u/.intercept/state'],
  ])('%s in %s does not', (path, folder) => expect(reach(path, folder)).toBeUndefined());
});

test('policy.md §5.1: also where the server reads from the root', () =>
  expect(ownPathIn(argsOf('{"path":"p.yaml"}'), ['/p.yaml'], '/')).toBe('p.yaml'));

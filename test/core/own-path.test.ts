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

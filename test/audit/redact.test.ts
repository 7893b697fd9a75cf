import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { maskText as mask } from '../../src/audit/mask.ts';
import { RECORD_ROOM, renderArgs } from '../../src/audit/record.ts';
import type { CallEvent } from '../../src/core/audit.ts';
import { callOf } from './events.ts';

const OPTIONS = { keyedHash: () => '3f2a5c' };
const render = (call: CallEvent) => renderArgs(call, 'redacted', OPTIONS, RECORD_ROOM)?.text ?? '';
const raw = (text: string) => mask(text, OPTIONS, 1e9, { masked: 0, cut: 0 });
/** Masks without their traces. */
const bare = (text: string) => text.replace(/\[redacted \d+ chars #3f2a\]/g, '[redacted]');
const maskText = (text: string) => bare(raw(text));
const shown = (args: Record<string, unknown>) => JSON.parse(bare(render(callOf(args))));

const SECRET =
  'password Password PASSWORD user_password newPassword password_confirmation passwordHash dbpassword passwd pwd passphrase secret client_secret clientSecret secrets token access_token accessToken refresh_token idToken authToken token_value x-api-key apiKey api_key apikey API_KEY APIKey STRIPE_SECRET_KEY aws_secret_access_key private_key privateKeyPem ssh_key signing_key authorization Authorization proxy-authorization auth bearer bearer_token cookie Cookie set-cookie cookies credential credentials session_token sessionToken session_key jwt otp totp pin pin_code cvv cvc2 card_number cardNumber credit_card ssn security_code verification_code connection_string seed_phrase mnemonic ｐａｓｓｗｏｒｄ pass\u200bword'.split(
    ' ',
  );
const HARMLESS =
  'max_tokens maxTokens tokenizer token_count token_type tokenAddress page_token nextPageToken continuation_token secretary secret_name passenger passport compass author authority authenticated_at key keys primary_key partitionKey public_key issue_key idempotency_key keyboard cardinality card discard spin pinned opinion company code country_code zip_code status_code cookie_policy session_id amount charge'.split(
    ' ',
  );

describe('secret-like names (cli.md §2)', () => {
  for (const name of SECRET) {
    test(`${name} is masked`, () => expect(shown({ [name]: 'hunter22' })).toEqual({ [name]: '[redacted]' }));
  }
  for (const name of HARMLESS) {
    test(`${name} is not`, () => expect(shown({ [name]: 'hunter22' })).toEqual({ [name]: 'hunter22' }));
  }

  test('at any depth, whatever the value is', () => {
    expect(shown({ a: [{ b: { password: { old: 'x' }, pin: 1234, token: ['t'] } }] })).toEqual({
      a: [{ b: { password: { old: '[redacted]' }, pin: '[redacted]', token: ['[redacted]'] } }],
    });
  });

  test('that there is no secret, or whether there is one, stays', () => {
    expect(shown({ password: null, token: '', auth: true })).toEqual({ password: null, token: '', auth: true });
  });

  test('`tokens` is a count where it is a number', () => {
    expect(shown({ tokens: 100, output_tokens: 5 })).toEqual({ tokens: 100, output_tokens: 5 });
    expect(shown({ tokens: ['a'] })).toEqual({ tokens: ['[redacted]'] });
  });

  test('a name given beside its value', () => {
    expect(shown({ headers: [{ name: 'X-Api-Key', value: 'abc' }], env: [{ key: 'HOME', value: '/root' }] })).toEqual({
      headers: [{ name: 'X-Api-Key', value: '[redacted]' }],
      env: [{ key: 'HOME', value: '/root' }],
    });
  });

  test('the rest keeps its numbers, order and members', () => {
    const call = callOf(
      {},
      {
        args: new Map<string, never>([
          ['b', { number: '1.0' } as never],
          ['password', 'x' as never],
          ['a', { number: '9007199254740993' } as never],
        ]),
        argsText: '{"b":1.0,"password":"x","a":9007199254740993}',
      },
    );
    expect(bare(render(call))).toBe('{"b":1.0,"password":"[redacted]","a":9007199254740993}');
  });
});

// Assembled, so that no scanner of sources takes them for real ones.
const credential = (...parts: string[]) => parts.join('');
const JWT = credential('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxMjM0NTY3ODkwIn0', '.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U');
const LINE = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const pem = (...lines: string[]) => ['-----BEGIN RSA PRIVATE KEY-----', ...lines, '-----END RSA PRIVATE KEY-----'].join('\n');
const MASKED: [string, string][] = [
  ['Bearer abcdefghijklmnop1234', 'Bearer [redacted]'],
  ['Basic dXNlcjpwYXNz', 'Basic [redacted]'],
  [`curl -H "Authorization: Bearer ${JWT}" https://x.test`, 'curl -H "Authorization: Bearer [redacted]" https://x.test'],
  [credential('sk', '_live_4eC39HqLyjWDarjtT1zdp7dc'), '[redacted]'],
  [credential('key is sk', '-proj-', 'x1'.repeat(12), ', ok'), 'key is [redacted], ok'],
  [credential('ghp', '_16C7e42F292c6912E7710c838347Ae178B4a'), '[redacted]'],
  [credential('my_ghp', '_16C7e42F292c6912E7710c838347Ae178B4a'), 'my_[redacted]'],
  [credential('AKIA', 'IOSFODNN7EXAMPLE'), '[redacted]'],
  [credential('xoxb', '-123456789012-abcdefABCDEF'), '[redacted]'],
  [JWT, '[redacted]'],
  [`see ${JWT}.`, 'see [redacted].'],
  [`a\n${pem(LINE, LINE, 'MIIE')}\nb`, `a\n${pem('[redacted]')}\nb`],
  [pem('MIIE'), pem('[redacted]')],
  [
    pem('Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-128-CBC,0011', '', LINE, 'MIIE'),
    pem('Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-128-CBC,0011', '', '[redacted]'),
  ],
  [JSON.stringify({ private_key: pem(LINE, 'MIIE') }), JSON.stringify({ private_key: pem('[redacted]') })],
  ['postgres://app:s3cret@db.test:5432/x', 'postgres://app:[redacted]@db.test:5432/x'],
  ['postgres://app:s3cr@et@db.test:5432/x', 'postgres://app:[redacted]@[redacted]@db.test:5432/x'],
  ['https://x.test/a?b=1&api_key=abc&c=2', 'https://x.test/a?b=1&api_key=[redacted]&c=2'],
  ['https://x.test/a?X-Amz-Signature=abc123', 'https://x.test/a?X-Amz-Signature=[redacted]'],
  ['{"user":"a","password":"b!c","x":1}', '{"user":"a","password":"[redacted]![redacted]","x":1}'],
  ['export DB_PASSWORD=hunter22 && run', 'export DB_PASSWORD=[redacted] && run'],
  ['Cookie: a=b; c=d\nAccept: */*', 'Cookie: a=[redacted]; c=[redacted]\nAccept: */*'],
  [`password: 'hunter22'\nx: 1`, `password: '[redacted]'\nx: 1`],
  ['  POSTGRES_PASSWORD: "hunter22"', '  POSTGRES_PASSWORD: "[redacted]"'],
  ['Authorization: "Bearer abc"', 'Authorization: "Bearer [redacted]"'],
  ['login --password hunter22 --user me', 'login --password [redacted] --user me'],
  ['curl -u me:hunter22 x', 'curl -u me:[redacted] x'],
];
const KEPT = [
  'hello',
  'a bearer of good news',
  'basic functionality is there',
  'https://x.test:8080/path?email=a@b.test',
  'risk-averse-and-a-very-long-hyphenated-word',
  'max_tokens=100',
  'the password was reset',
  'task-1234567890abcdefghij',
  'eyJ.x.y',
  'ch_3MmlLrLkdIwHu7ix0snN0B15',
];

describe('credentials by their shape (cli.md §2)', () => {
  for (const [text, masked] of MASKED) test(`in ${JSON.stringify(text.slice(0, 40))}`, () => expect(maskText(text)).toBe(masked));
  for (const text of KEPT) test(`not in ${JSON.stringify(text)}`, () => expect(maskText(text)).toBe(text));

  test('what follows a flag in a command line', () => {
    expect(shown({ args: ['login', '--password', 'hunter22', '--verbose', 'x'] })).toEqual({
      args: ['login', '--password', '[redacted]', '--verbose', 'x'],
    });
  });

  test('no escape in the text as it arrived hides one (I10)', () => {
    const call = callOf({ password: 'hunter22' }, { argsText: '{"pass\\u0077ord":"hunter22"}' });
    expect(bare(render(call))).toBe('{"password":"[redacted]"}');
  });

  test('wherever one stands, it is masked', () => {
    const tokens = MASKED.filter(([, masked]) => masked === '[redacted]').map(([text]) => text);
    const around = fc.string({ unit: fc.constantFrom('a', '0', ' ', '"', '{', ':', '=', '/', '\n', 'ü') });
    fc.assert(
      fc.property(around, fc.constantFrom(...tokens), around, (before, token, after) => {
        expect(maskText(`${before} ${token} ${after}`)).not.toContain(token);
      }),
    );
  });
});

describe('short arguments that are taken as they are', () => {
  const shownWith = (args: Record<string, unknown>, known?: readonly string[]) =>
    renderArgs(callOf(args), 'redacted', { ...OPTIONS, known }, RECORD_ROOM);

  test('hold no secret of ours, however harmless it looks', () => {
    expect(shownWith({ note: 'a fine word it is' }, ['fine word'])?.text).toBe('{"note":"a [redacted] it is"}');
    expect(shownWith({ note: 'a fine word it is' }, ['other words'])?.text).toBe('{"note":"a fine word it is"}');
  });

  test('hold no name that is too long', () => {
    expect(shownWith({ ['n'.repeat(128)]: 1 })?.cut).toBe(0);
    expect(shownWith({ ['n'.repeat(129)]: 1 })?.cut).toBe(1);
  });

  test('hold no secret name, whatever case it is in and wherever it ends', () => {
    for (const name of ['PASSWORD', 'userPW', 'SAS', 'pan', 'x-api-KEY', 'otp', 'p\u0061ss', 'ｐａｓｓ'])
      expect(shownWith({ amount: 1, [name]: 'hunter22' })?.masked).toBe(1);
    expect(shownWith({ list: ['run', '--pw', 'hunter22'] })?.masked).toBe(1);
    expect(shownWith({ text: 'curl -u me:hunter22' })?.masked).toBe(1);
  });
});

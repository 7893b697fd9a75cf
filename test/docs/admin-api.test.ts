/** docs/admin-api.md against the admin server: its routes, its refusals, and the program that checks a webhook. */
import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAULTS } from '../../src/admin/answer.ts';
import { keyOf, webhookHeaders } from '../../src/approval/post.ts';
import { useDesk } from '../admin/fixture.ts';
import type { Loose } from '../harness/message.ts';
import { temporaryFolder } from '../harness/paths.ts';
import { blocksOf, tableAfter } from './markdown.ts';

const PAGE = 'docs/admin-api.md';
const desk = useDesk();

test('admin-api.md lists every route', async () => {
  const { paths } = (await desk.ask('/v1/openapi.json')).json;
  const routes = Object.entries(paths as Loose).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `\`${method.toUpperCase()} ${path}\``),
  );
  expect(tableAfter(PAGE, 'admin-routes').map(([route]) => route)).toEqual(routes);
});

test('admin-api.md lists every reason to refuse with its status', () => {
  const faults = Object.entries(FAULTS).map(([code, status]) => [`\`${code}\``, String(status)]);
  expect(tableAfter(PAGE, 'admin-faults').map(([code, status]) => [code, status])).toEqual(faults);
});

test('the program of admin-api.md takes what Intercept signed, and nothing else', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const program = blocksOf(PAGE).find(({ language }) => language === 'js');
    const file = join(path, 'genuine.mjs');
    await writeFile(file, program?.text ?? '');
    const { isGenuine } = (await import(file)) as Loose;
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const headers = webhookHeaders('apr_x-1', Date.now(), '{"type":"x"}', keyOf(secret));
    expect(isGenuine(headers, '{"type":"x"}', secret)).toBe(true);
    expect(isGenuine(headers, '{"type":"y"}', secret)).toBe(false);
    expect(isGenuine({ ...headers, 'webhook-id': 'apr_y-1' }, '{"type":"x"}', secret)).toBe(false);
    expect(isGenuine(webhookHeaders('i', Date.now() - 600_000, 'b', keyOf(secret)), 'b', secret)).toBe(false);
    for (const plain of ['my plain secret', 'c2VjcmV0', 'whsec', 'ümlaut'])
      expect(isGenuine(webhookHeaders('i', Date.now(), 'b', keyOf(plain)), 'b', plain)).toBe(true);
  } finally {
    await remove();
  }
});

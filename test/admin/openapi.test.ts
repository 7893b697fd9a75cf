/** The OpenAPI document (cli.md §3): every route stands in it, and every answer is what it says. */
import { expect, test } from 'bun:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Loose } from '../harness/message.ts';
import { counter, limited } from '../state/calls.ts';
import { type Asked, useDesk } from './fixture.ts';

const desk = useDesk();

test('every operation answers as the document says, and no path is left out', async () => {
  const { json: document } = await desk.ask('/v1/openapi.json');
  expect(document.openapi).toBe('3.1.0');
  const operations = Object.entries(document.paths as Loose).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const asked = new Set<string>();
  const schemaOf = validator(document);
  const ask = async (operation: string, path: string, more: Asked = {}) => {
    asked.add(operation);
    const [method = '', template = ''] = operation.split(' ');
    const reply = await desk.ask(path, { ...more, method });
    const response = document.paths[template][method.toLowerCase()].responses[reply.status];
    expect([operation, reply.status, response === undefined]).toEqual([operation, reply.status, false]);
    expect([operation, schemaOf(response.content['application/json'].schema, reply.json)]).toEqual([operation, []]);
    return reply;
  };
  await playAll(ask);
  expect(new Set(operations)).toEqual(new Set([...asked, 'GET /v1/events']));
});

/** Answers with what is wrong. */
function validator(document: Loose): (schema: Loose, value: unknown) => readonly string[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'doc', components: document.components });
  return (schema, value) => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components'));
    const check = ajv.compile(absolute);
    return check(value) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
}

async function playAll(ask: (operation: string, path: string, more?: Asked) => Promise<{ readonly status: number }>): Promise<void> {
  const [first, second, third] = [await desk.hold('f', { agent: undefined }), await desk.hold('g'), await desk.hold('h')];
  await desk.store.reserve([limited([counter('c')], 10)]);
  await desk.store.announce({
    ...{ id: 'i', pid: 1, host: 'h', namespace: 'n', policy: undefined, upstream: 'u', revision: 'r', startedAt: 0, confirmed: 0 },
  });
  await ask('GET /v1/openapi.json', '/v1/openapi.json');
  await ask('GET /v1/approvals', '/v1/approvals');
  await ask('GET /v1/approvals', '/v1/approvals?state=wrong');
  await ask('GET /v1/approvals/{id}', `/v1/approvals/${first}`);
  await ask('GET /v1/approvals/{id}', '/v1/approvals/apr_no');
  await ask('POST /v1/approvals/{id}/approve', `/v1/approvals/${first}/approve`, { body: { as: 'x', reason: 'y' } });
  await ask('POST /v1/approvals/{id}/approve', `/v1/approvals/${first}/approve`);
  await ask('POST /v1/approvals/{id}/deny', `/v1/approvals/${second}/deny`);
  await ask('GET /approvals/pending', '/approvals/pending');
  await ask('GET /approvals/pending/{id}', `/approvals/pending/${third}`);
  await ask('POST /approvals/approve/{id}', `/approvals/approve/${third}`);
  await ask('POST /approvals/deny/{id}', `/approvals/deny/${third}`);
  await ask('GET /v1/approvals', '/v1/approvals?state=approved');
  await ask('POST /v1/pause', '/v1/pause', { body: { reason: 'z' } });
  await ask('GET /v1/status', '/v1/status');
  await ask('POST /v1/resume', '/v1/resume');
  await ask('GET /v1/counters', '/v1/counters');
  await ask('GET /v1/counters', '/v1/counters', { token: null });
}

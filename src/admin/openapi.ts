/** The OpenAPI document (3.1), made of the table of routes. */

import type { AdminRoute, RouteDoc, Schema } from './route.ts';
import { COMPONENTS } from './schemas.ts';

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'the request is not understood',
  401: 'the token is missing or wrong',
  403: 'another host or origin, or the approver secret is missing or wrong',
  404: 'there is no such record',
  409: 'it was decided, or is over; `message` says which',
  503: 'the state store does not answer, or too many ask',
};
/** Every route may answer these. */
const ALWAYS = [400, 401, 403, 503];

/** The document, as a value. */
export function renderOpenApi(routes: readonly AdminRoute[], version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { path, method, doc } of routes) {
    if (!doc) continue;
    const template = path.replace(/:(\w+)/g, '{$1}');
    paths[template] = { ...paths[template], [method.toLowerCase()]: operationOf(path, doc) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Intercept', version, description: 'Approvals, counters and pauses of one host, on its loopback address.' },
    security: [{ token: [] }],
    paths,
    components: { schemas: COMPONENTS, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}

function operationOf(path: string, doc: RouteDoc): Schema {
  const refusals = [...new Set([...ALWAYS, ...doc.refusals])].sort();
  const parameters = parametersOf(path, doc);
  return {
    operationId: doc.id,
    summary: doc.summary,
    ...(doc.deprecated ? { deprecated: true } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(doc.body ? { requestBody: { content: { 'application/json': { schema: doc.body } } } } : {}),
    responses: {
      '200': { description: 'done', content: contentOf(doc) },
      ...Object.fromEntries(
        refusals.map((status) => [
          String(status),
          { description: DESCRIPTIONS[status], content: { 'application/json': { schema: reference('Error') } } },
        ]),
      ),
    },
  };
}

function parametersOf(path: string, { query, approver }: RouteDoc): readonly Schema[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const inQuery = Object.entries(query ?? {}).map(([name, schema]) => ({ name, in: 'query', schema }));
  const secret = {
    name: 'X-Intercept-Approver',
    in: 'header',
    description: 'the approver secret, where one is set',
    schema: { type: 'string' },
  };
  return [...inPath, ...inQuery, ...(approver ? [secret] : [])];
}

function contentOf({ answer }: RouteDoc): Schema {
  if ('stream' in answer)
    return { [answer.stream]: { schema: { type: 'string', description: `\`data\` of each event: ${answer.component}` } } };
  return { 'application/json': { schema: reference(answer.component) } };
}

function reference(component: string): Schema {
  return { $ref: `#/components/schemas/${component}` };
}

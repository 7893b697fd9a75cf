/** policy.md §14: `validate` with a server's tools names those whose calls it could only deny. */
import { expect, test } from 'bun:test';
import { loadTools } from '../../src/index.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { loadSchemas } from '../../src/policy/schema/schema.ts';
import { checkServerSchemas } from '../../src/policy/schema/server-schemas.ts';

const property = (schema: object) => ({ type: 'object', properties: { a: schema } });
const TOOLS = [
  { name: 'old_tuple_t', inputSchema: { ...property({ type: 'array', items: [{ type: 'number' }], additionalItems: false }) } },
  { name: 'exclusive_t', inputSchema: property({ type: 'number', minimum: 0, exclusiveMinimum: true }) },
  { name: 'required_t', inputSchema: property({ type: 'string', required: true }) },
  { name: 'nullable_t', inputSchema: property({ type: 'string', nullable: true }) },
  { name: 'regex_t', inputSchema: property({ type: 'string', pattern: '^(?!foo)[a-z]+$' }) },
  { name: 'outer_t', inputSchema: property({ $ref: 'https://example.com/other.json' }) },
  { name: 'none_t' },
  { name: 'hidden_t' },
  { name: 'other', inputSchema: property({ type: 'text' }) },
];

test('each is named with the reason that a call would get', async () => {
  const { policy } = await loadPolicyText(
    'version: "1"\ndefault: deny\nhide: [hidden_t]\ntools:\n  "*_t": {rules: [{validate: {schema: true}}]}\n  other: []\n',
  );
  if (!policy) throw new Error('no policy');
  const catalog = await loadTools(TOOLS);
  const found = checkServerSchemas(policy, [...catalog.tools.values()], await loadSchemas());
  expect(found.map(({ code, message }) => `${code} ${message}`)).toEqual([
    'nullable-schema "nullable_t": "nullable" at "properties.a" is no keyword of JSON Schema: null is refused there',
    expect.stringContaining('unusable-schema "regex_t": the schema can not be used: RE2 refuses the pattern "^(?!foo)[a-z]+$"'),
    'unusable-schema "outer_t": the schema can not be used: "$ref" "https://example.com/other.json" names nothing inside the schema',
    'unusable-schema "none_t": the server\'s schema for this tool is not known',
  ]);
  for (const { name, message } of [...catalog.tools.values()].flatMap((tool) =>
    found.filter((one) => one.message.startsWith(`"${tool.name}": the schema can`)).map((one) => ({ ...one, name: tool.name })),
  ))
    expect(catalog.tools.get(name)?.check(new Map())).toEqual({ ok: false, why: message.slice(name.length + 4) });
});

/** house.md I11: what a server's tool list leaves in memory is bounded. */
import { describe, expect, test } from 'bun:test';
import { createToolMemory } from '../../src/engine/tool-memory.ts';
import type { ListedTool } from '../../src/mcp/messages/lists.ts';

const tool = (name: string, more = 0): ListedTool => ({
  name,
  definition: name,
  inputSchema: new Map([['description', 'x'.repeat(more)]]),
});
const openMemory = () => createToolMemory((text) => text);

describe('wire.md §2.13: a tool list is kept up to 16 MiB and 10,000 tools', () => {
  test('one that is larger is not known, and neither is what was known before', () => {
    const memory = openMemory();
    memory.page([tool('known')], undefined, undefined);
    const pages = Array.from({ length: 5 }, (_, page) =>
      memory.page([tool(`t${page}`, 4 * 1024 ** 2)], page === 0 ? undefined : `${page}`, `${page + 1}`),
    );
    expect(pages).toEqual(['taken', 'taken', 'taken', 'too large', 'taken']);
    expect(memory.page([], '5', undefined)).toBe('taken');
    expect(memory.catalog.complete).toBe(false);
  });

  test('so many tools and no more', () => {
    const memory = openMemory();
    const tools = Array.from({ length: 10_000 }, (_, index) => tool(`t${index}`));
    expect(memory.page(tools, undefined, undefined)).toBe('taken');
    expect(memory.page([...tools, tool('more')], undefined, undefined)).toBe('too large');
    expect(memory.catalog).toMatchObject({ complete: false });
    expect(memory.catalog.tools.size).toBe(0);
  });

  test('listings that never end leave nothing behind but the last one', () => {
    const memory = openMemory();
    memory.page([tool('known')], undefined, undefined);
    for (let round = 0; round < 100; round++) memory.page([tool(`t${round}`)], undefined, `next${round}`);
    expect([...memory.catalog.tools.keys()]).toEqual(['known', 't99']);
  });
});

describe('a name that a list has twice', () => {
  const schemaOf = (maximum: string) => new Map([['properties', new Map([['amount', new Map([['maximum', { number: maximum }]])]])]]);
  const listed = (maximum: string): ListedTool => ({ name: 'pay', definition: maximum, inputSchema: schemaOf(maximum) });
  const known = (...pages: (readonly ListedTool[])[]) => {
    const memory = openMemory();
    for (const [index, page] of pages.entries())
      memory.page(page, index === 0 ? undefined : `${index}`, index === pages.length - 1 ? undefined : `${index + 1}`);
    return memory.catalog.tools.get('pay');
  };

  test('is known by its definition where that is the same', () => {
    expect(known([listed('1'), listed('1')], [listed('1')])?.properties).toEqual(['amount']);
  });

  for (const pages of [[['1', '2']], [['1'], ['2']], [['1', '2', '1']], [['1', '2', '2']], [['1'], ['2'], ['1', '1']]])
    test(`is known by name alone where they differ: ${JSON.stringify(pages)}`, () => {
      const tool = known(...pages.map((page) => page.map(listed)));
      expect([tool?.required, tool?.properties, tool?.inputSchema, tool?.hash]).toEqual([undefined, undefined, undefined, '']);
      expect(tool?.check(new Map()).ok).toBe(false);
    });
});

test('a schema is read when it is asked for, and is what was listed', () => {
  const memory = openMemory();
  memory.page(
    [{ name: 'a', definition: '', inputSchema: new Map([['maximum', { number: '9007199254740993.10' }]]) }],
    undefined,
    undefined,
  );
  expect(memory.catalog.tools.get('a')?.inputSchema).toEqual(new Map([['maximum', { number: '9007199254740993.10' }]]));
});

test('a property that says of itself that it is required is required', () => {
  const memory = openMemory();
  const inputSchema = new Map([
    [
      'properties',
      new Map([
        ['a', new Map([['required', true]])],
        ['b', new Map()],
      ]),
    ],
  ]);
  memory.page([{ name: 'a', definition: '', inputSchema }], undefined, undefined);
  expect(memory.catalog.tools.get('a')?.required).toEqual(['a']);
});

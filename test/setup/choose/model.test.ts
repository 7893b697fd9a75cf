/** setup.md §3.4: the choices themselves, whoever shows them. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { openChooser } from '../../../src/setup/choose/chooser.ts';
import { countColumns, groupTools } from '../../../src/setup/choose/groups.ts';
import { beginChoosing, type Choosing, choiceOf, coversOf, takeStep, toolsOf } from '../../../src/setup/choose/model.ts';
import { readRequest } from '../../../src/setup/choose/request.ts';
import { scannedState } from '../../../src/setup/choose/scanned.ts';
import type { ServerState } from '../../../src/setup/choose/servers.ts';
import { COLUMNS } from '../../../src/setup/draft/model.ts';
import { foundServers, manyServers, riskOf, SHOP, scanned, serverOf } from './fixture.ts';

const servers = manyServers();
const shop = serverOf('shop', scanned('shop', SHOP));

/** Anything that a page could send, and much that it would not. */
const request = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'tick',
      'column',
      'cover',
      'undo',
      'stage',
      'mode',
      'start',
      'retry',
      'put',
      'finish',
      'cancel',
      '__proto__',
      'toString',
    ),
    server: fc.oneof(fc.integer({ min: -2, max: 7 }), fc.constantFrom('0', 1.5, null)),
    tools: fc.oneof(fc.array(fc.integer({ min: -2, max: 20 }), { maxLength: 20 }), fc.constantFrom('all', ['0'], 'none')),
    risk: fc.constantFrom(undefined, 'Read', 'Financial', 'constructor'),
    column: fc.constantFrom(...COLUMNS, 'suggested', 'toString', 'run'),
    cover: fc.constantFrom('rules', 'library', 'closed', 'open', 'valueOf'),
    stage: fc.constantFrom('start', 'rules', 'mode', 'done'),
    mode: fc.constantFrom('enforce', 'shadow', 'off'),
    ticked: fc.boolean(),
    id: fc.constantFrom('shop', 'filesystem'),
    state: fc.constant({ kind: 'found' }),
  }),
  fc.dictionary(fc.string(), fc.jsonValue()),
);

/** The steps of a list that may be taken, one after the other. */
function walk(
  bodies: readonly Readonly<Record<string, unknown>>[],
  visit: (before: Choosing, after: Choosing, body: object) => void,
): void {
  let state = beginChoosing(servers);
  for (const body of bodies) {
    const asked = readRequest(body, state);
    if (!asked || asked.kind === 'start' || asked.kind === 'retry' || asked.kind === 'finish' || asked.kind === 'cancel') continue;
    const next = takeStep(state, asked);
    visit(state, next, body);
    state = next;
  }
}

describe('whatever is asked for', () => {
  test('a choice differs from what is suggested, is about a tool of its server, and is one of the columns', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (bodies) => {
        walk(bodies, (_, after) => {
          for (const { server, columns, cover } of after.servers) {
            const tools = new Map(toolsOf(server).map((tool) => [tool.name, tool]));
            for (const [name, column] of columns) {
              expect(tools.get(name)).toBeDefined();
              expect(column === tools.get(name)?.suggested).toBe(false);
              expect(COLUMNS).toContain(column);
            }
            expect([...coversOf(server), 'open']).toContain(cover);
          }
        });
      }),
    );
  });

  test('a request never brings the state of a server, and names nothing that is not there', () => {
    fc.assert(
      fc.property(request, (body) => {
        const asked = readRequest(body, beginChoosing(servers));
        expect(asked?.kind).not.toBe('put');
        if (asked && 'server' in asked) expect(asked.server).toBeWithin(0, servers.length);
        if (asked?.kind !== 'column') return;
        const { length } = toolsOf(servers[asked.server] ?? shop);
        for (const tool of asked.tools) expect(tool).toBeWithin(0, length);
      }),
    );
  });

  test('undo leads back', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (bodies) => {
        walk(bodies, (before, after, body) => {
          if (after.past.length <= before.past.length) return;
          const back = takeStep(after, { kind: 'undo' });
          expect([body, choiceOf(back)]).toEqual([body, choiceOf(before)]);
        });
      }),
    );
  });
});

describe('the choices', () => {
  test('begin as suggested, enforced, and leave open what is not known', () => {
    const choice = choiceOf(beginChoosing(servers));
    expect(choice.mode).toBe('enforce');
    expect([...choice.servers].map(([id, { cover, columns }]) => [id, cover, columns.size])).toEqual([
      ['shop', 'rules', 0],
      ['filesystem', 'rules', 0],
      ['github', 'open', 0],
      ['calendar', 'open', 0],
    ]);
  });

  test('a class at once, and back by the suggested column', () => {
    const begun = beginChoosing(servers);
    const chooser = openChooser(servers, () => {});
    const ask = (body: object) => {
      const asked = readRequest({ kind: 'column', server: 0, ...body }, begun);
      if (asked) chooser.take(asked);
      return chooser.state().servers[0];
    };
    const hidden = ask({ risk: 'Financial', column: 'hide' });
    expect(hidden && countColumns(hidden)).toEqual({ allow: 0, limit: 8, approve: 1, deny: 3, hide: 5 });
    expect(ask({ tools: 'all', column: 'suggested' })?.columns.size).toBe(0);
  });

  test('groups are the worst first, and found by words of name, class and description', () => {
    const tools = toolsOf(shop);
    expect(groupTools(tools).map(({ risk, tools: own }) => [risk, own.length])).toEqual([
      ['Destructive', 3],
      ['Financial', 5],
      ['Execute', 1],
      ['Write', 3],
      ['Read', 5],
    ]);
    const found = (text: string) => groupTools(tools, text).flatMap(({ tools: own }) => own.map((place) => SHOP[place]?.[0]));
    expect(found('invoice')).toEqual(['create_invoice', 'finalize_invoice', 'list_invoices']);
    expect(found('FINANCIAL money')).toEqual(['create_refund']);
    expect(found('nothing like it')).toEqual([]);
  });

  test('only ticked servers are started, each reports by itself, and the end waits for them', async () => {
    const scans: (readonly string[])[] = [];
    let put: (id: string, state: ServerState) => void = () => {};
    const chooser = openChooser(foundServers(), (ids, report) => {
      scans.push(ids);
      put = report;
    });
    chooser.take({ kind: 'tick', server: 3, ticked: false });
    chooser.take({ kind: 'start' });
    chooser.take({ kind: 'start' });
    expect(scans).toEqual([['shop', 'filesystem']]);
    chooser.take({ kind: 'stage', stage: 'mode' });
    expect([chooser.state().stage, chooser.take({ kind: 'finish' })]).toEqual(['rules', 'some servers are still starting']);
    put('shop', scanned('shop', SHOP));
    put('filesystem', { kind: 'failed', why: 'it ended' });
    expect(chooser.take({ kind: 'finish' })).toBe('the last question has not been asked');
    chooser.take({ kind: 'retry', server: 1 });
    expect(scans.at(-1)).toEqual(['filesystem']);
    put('filesystem', { kind: 'failed', why: 'it ended again' });
    chooser.take({ kind: 'stage', stage: 'mode' });
    chooser.take({ kind: 'mode', mode: 'shadow' });
    expect(chooser.take({ kind: 'finish' })).toBeUndefined();
    const choice = await chooser.done;
    expect(choice).toMatchObject({ mode: 'shadow' });
    expect(chooser.take({ kind: 'cancel' })).toBe('it is over');
  });

  test('the policy is the draft of what is chosen, checked, and drafted once', async () => {
    const chooser = openChooser(servers, () => {});
    const first = await chooser.preview(0);
    expect((await chooser.preview(0)) === first).toBe(true);
    expect(first?.diagnostics).toEqual([]);
    expect(first?.text).not.toContain('hide:');
    const place = SHOP.findIndex(([name]) => name === 'create_refund');
    chooser.take({ kind: 'column', server: 0, tools: [place], column: 'hide' });
    const second = await chooser.preview(0);
    expect(second?.text).toMatch(/hide:[^\n]*\n?[^\n]*create_refund/);
    expect(second?.diagnostics).toEqual([]);
    expect(await chooser.preview(2)).toBeUndefined();
    expect([...(chooser.state().servers[0]?.columns ?? [])]).toEqual([['create_refund', 'hide']]);
  });

  test('a draft of the library shows the columns that its own rules come nearest to', () => {
    const tools = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name }));
    const risks = tools.map(({ name }) => riskOf(name, 'Read'));
    const options = { name: 'x', preset: 'suggested', date: '2026-11-30', origin: {} } as const;
    const rules = [
      '- action: deny',
      '- action: require_approval',
      '- action: deny\n        conditions: [{path: args.x, op: gt, value: 1}]',
    ];
    const text = `tools:\n  a:\n    rules:\n      ${rules[0]}\n  b:\n    rules:\n      ${rules[1]}\n  c:\n    rules:\n      ${rules[2]}\n  d:\n    rules: []\n  e:\n    rules:\n      - rate_limit: 60/minute\n`;
    const state = scannedState({ resources: false, prompts: false, tools }, risks, options, {
      notes: ['n'],
      draft: () => ({ text, leftOut: [] }),
    });
    const shown = state.kind === 'scanned' ? state.tools.map(({ suggested, says }) => `${suggested} ${says ?? ''}`.trim()) : [];
    const own = 'rules of the library';
    expect(shown).toEqual([`deny ${own}`, `approve ${own}`, `limit ${own}`, `allow ${own}`, 'limit']);
  });

  test('a policy that is there stays as it is, and can be looked at', async () => {
    const text = 'version: "1"\ndefault: deny\n';
    const chooser = openChooser(
      [serverOf('a', { kind: 'scanned', tools: [], kept: true, draft: () => ({ text, leftOut: [] }) })],
      () => {},
    );
    expect((await chooser.preview(0))?.text).toBe(text);
    expect(choiceOf(chooser.state()).servers.get('a')).toEqual({ cover: 'rules', columns: new Map() });
  });

  test('a list without anything to start begins with the rules', () => {
    expect(beginChoosing([serverOf('a', { kind: 'failed', why: 'x' })]).stage).toBe('rules');
    expect(beginChoosing(foundServers()).stage).toBe('start');
  });
});

/** setup.md §2: what is drafted for real servers, of which recorded lists are here, is valid; `suggested` and stricter without a warning. */
import { expect, test } from 'bun:test';
import { validateText } from '../../../src/authoring/validate.ts';
import { openDraft } from '../../../src/setup/draft/draft.ts';
import { PRESETS } from '../../../src/setup/draft/model.ts';
import { updatePolicy } from '../../../src/setup/draft/update.ts';
import { readRows, readSource } from '../../../src/setup/library/folders.ts';
import { ROOT } from '../../harness/paths.ts';

/** One of so many servers is tried: all of them take a minute. */
const EVERY = Number(process.env.INTERCEPT_EVERY_SERVER ?? 12);
const SOURCES = readRows(ROOT)
  .filter(({ excluded }, index) => excluded === undefined && index % EVERY === 0)
  .map((row) => readSource(ROOT, row));

test.each(PRESETS)(
  '%s',
  async (preset) => {
    const found: string[] = [];
    for (const { row, recorded } of SOURCES) {
      const tools = recorded.tools.map(({ definition }) => definition);
      const risks = recorded.tools.map(({ risk }) => risk);
      const server = { resources: recorded.resources, prompts: recorded.prompts, tools };
      const { text, leftOut } = openDraft(server, risks)({ name: row.id, preset, date: '2026-11-30', origin: {} });
      expect(leftOut).toEqual([]);
      const listed = tools.map(({ name, inputSchema }) => ({ name, definition: '', inputSchema }));
      const validated = await validateText(row.id, { kind: 'text', text }, listed);
      const diagnostics = validated.kind === 'read' ? validated.diagnostics : [{ code: '', message: validated.why, severity: 'error' }];
      const kept = diagnostics.filter(({ severity }) => severity === 'error' || preset !== 'scaffold');
      found.push(...kept.map(({ message }) => `${row.id}: ${message}`));
      // The same scan says nothing new.
      expect(updatePolicy(text, server, risks, { date: '2026-12-01' })).toEqual({
        text,
        added: [],
        gone: [],
        changed: [],
        unknown: [],
        leftOut: [],
      });
    }
    expect(found).toEqual([]);
  },
  240_000,
);

/** setup.md §2: what a preset writes for a scanned server. */
import { expect, test } from 'bun:test';
import {
  type Column,
  type DraftOptions,
  draftPolicy,
  type PolicyDraft,
  type Preset,
  type ScannedServer,
} from '../../../src/setup/draft/draft.ts';
import { COLUMNS, PRESETS } from '../../../src/setup/draft/model.ts';

const EMPTY: ScannedServer = { resources: false, prompts: false, tools: [] };

test.each(PRESETS.flatMap((preset): [Preset, Column][] => COLUMNS.map((column) => [preset, column])))(
  'a server without tools, %s, %s',
  (preset, column) => {
    const options: DraftOptions = { name: 's', preset, date: '2026-11-30', origin: {}, columns: new Map([['x', column]]) };
    const draft: PolicyDraft = draftPolicy(EMPTY, [], options);
    expect(draft.leftOut).toEqual([]);
    expect(draft.text).toStartWith('version: "1"\n');
  },
);

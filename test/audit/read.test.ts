import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { openEventReader } from '../../src/audit/evidence/merge.ts';
import { pruneEvents } from '../../src/audit/evidence/retention.ts';
import { isAlive } from '../../src/run/instances.ts';
import { callOf, NOON, readEvents, withFolder, withSink } from './events.ts';

const record = (ts: number, more: Record<string, unknown> = {}) =>
  `${JSON.stringify({ ts: new Date(ts).toISOString(), type: 'tool_call', ...more })}\n`;

describe('reading back', () => {
  test('what was written, with its exact text', () =>
    withSink(async ({ dir, sink, lines }) => {
      sink.write([callOf({ n: 1 }, { argsText: '{"n":9007199254740993}' })]);
      sink.write([{ type: 'shutdown', fields: {} }]);
      expect((await readEvents(dir)).map((event) => event.type)).toEqual(['tool_call', 'shutdown']);
      const texts: string[] = [];
      for await (const { text } of openEventReader(dir).next()) texts.push(text);
      expect(texts).toEqual(lines());
    }));

  test('files in the order of their starts, past torn ends, other lines and other files', () =>
    withFolder(async (dir) => {
      fs.writeFileSync(join(dir, 'b.jsonl'), `${record(NOON, { n: 2 })}{"ts":"2026`);
      fs.writeFileSync(join(dir, 'a.jsonl'), `${record(NOON, { n: 1, new_field: {} })}\n[]\nnull\n{"no":"type"}\n`);
      fs.writeFileSync(join(dir, 'c.txt'), record(NOON, { n: 3 }));
      expect((await readEvents(dir)).map((event) => event.n)).toEqual([1, 2]);
    }));

  test('characters that span two reads', () =>
    withFolder(async (dir) => {
      const body = 'ü€😀\u2028'.repeat(20_000);
      fs.writeFileSync(join(dir, 'a.jsonl'), record(NOON, { body: `x${body}` }) + record(NOON, { body }));
      expect((await readEvents(dir)).map((event) => event.body)).toEqual([`x${body}`, body]);
    }));

  test('nothing older than `since`', () =>
    withFolder(async (dir) => {
      fs.writeFileSync(join(dir, 'a.jsonl'), record(NOON - 1, { n: 1 }) + record(NOON, { n: 2 }));
      expect((await readEvents(dir, NOON)).map((event) => event.n)).toEqual([2]);
    }));

  test('a folder that does not exist holds nothing', () =>
    withFolder(async (dir) => expect(await readEvents(join(dir, 'none'))).toEqual([])));
});

describe('retention', () => {
  const DAY = 86_400_000;
  const put = (dir: string, name: string, age: number, text: string) => {
    fs.writeFileSync(join(dir, name), text);
    fs.utimesSync(join(dir, name), (NOON - age) / 1000, (NOON - age) / 1000);
  };
  const dead = () => spawnSync(process.execPath, ['-e', '']).pid;

  test('deletes whole files that were last written before, and no others', () =>
    withFolder(async (dir) => {
      put(dir, 'old.jsonl', 31 * DAY, record(NOON, { type: 'startup', pid: dead() }));
      put(dir, 'young.jsonl', 29 * DAY, record(NOON, { type: 'startup', pid: dead() }));
      put(dir, 'other.txt', 31 * DAY, '');
      expect(await pruneEvents(dir, 30 * DAY, NOON, isAlive)).toEqual([join(dir, 'old.jsonl')]);
      expect(fs.readdirSync(dir).sort()).toEqual(['other.txt', 'young.jsonl']);
    }));

  test('never one that is being written', () =>
    withFolder(async (dir) => {
      const start = record(NOON, { type: 'startup', pid: process.pid });
      put(dir, 'silent.jsonl', 31 * DAY, start);
      put(dir, 'ended.jsonl', 31 * DAY, start + record(NOON, { type: 'shutdown' }));
      await pruneEvents(dir, 30 * DAY, NOON, isAlive);
      expect(fs.readdirSync(dir)).toEqual(['silent.jsonl']);
    }));

  test('one that was followed by the next is written to no more, the last one of its chain is', () =>
    withFolder(async (dir) => {
      put(dir, 'x.jsonl', 31 * DAY, record(NOON, { type: 'startup', pid: process.pid }));
      for (const number of [1, 2, 10]) put(dir, `x.${number}.jsonl`, 31 * DAY, record(NOON, { type: 'heartbeat' }));
      expect(await pruneEvents(dir, 30 * DAY, NOON, isAlive)).toEqual(['x.jsonl', 'x.1.jsonl', 'x.2.jsonl'].map((name) => join(dir, name)));
      expect(fs.readdirSync(dir)).toEqual(['x.10.jsonl']);
    }));

  test('what cannot be read stays, and keeps nothing else from going', () =>
    withFolder(async (dir) => {
      fs.mkdirSync(join(dir, 'a-folder.jsonl'));
      fs.utimesSync(join(dir, 'a-folder.jsonl'), 0, 0);
      put(dir, 'ended.jsonl', 31 * DAY, record(NOON, { type: 'shutdown' }));
      expect(await pruneEvents(dir, 30 * DAY, NOON, isAlive)).toEqual([join(dir, 'ended.jsonl')]);
      expect(fs.readdirSync(dir)).toEqual(['a-folder.jsonl']);
    }));
});

/**
 * Differential fuzz of the strict reader: `bun bench/fuzz-scanner.ts [count] [seed]`. Mutates real frames and asks
 * JSON.parse, an oracle written from wire.md §2 and a lax reader (no case, NFKC, last wins) whether they agree.
 * Prints what was accepted and refused, and why; exits 1 with the smallest frame found on which they do not.
 */
import { isDeepStrictEqual } from 'node:util';
import { toPlain } from '../src/mcp/json/values.ts';
import { readClientFrame, readToolCall } from '../src/mcp/messages/client.ts';
import type { ClientMessage } from '../src/mcp/messages/frame.ts';
import type { Refusal } from '../src/mcp/messages/refusal.ts';
import { expectFrame, expectMessage } from '../test/mcp/oracle.ts';
import { laxMember, readTree, type Tree } from '../test/mcp/other-readers.ts';
import { FRAMES, TOKENS } from '../test/mcp/real-frames.ts';

const LIMITS = { maxDepth: 256, maxName: 1024 };

export interface FuzzReport {
  readonly accepted: number;
  readonly refused: ReadonlyMap<string, number>;
  /** The smallest frame on which readers disagree, and how. */
  readonly failure: { readonly frame: string; readonly hex: string; readonly why: string } | undefined;
}

/** Reads `count` mutated frames; stops at the first disagreement and makes it small. */
export function fuzz(count: number, seed: number): FuzzReport {
  const random = createRandom(seed);
  const refused = new Map<string, number>();
  let accepted = 0;
  for (let round = 0; round < count; round++) {
    const bytes = mutate(random);
    const why = disagreement(bytes);
    if (why !== undefined) return { accepted, refused, failure: shrink(bytes) };
    const frame = readClientFrame(bytes, LIMITS);
    if (frame.kind === 'refused') refused.set(frame.reason, (refused.get(frame.reason) ?? 0) + 1);
    else accepted++;
  }
  return { accepted, refused, failure: undefined };
}

/** How the readers differ on a frame, or undefined where they agree. */
export function disagreement(bytes: Uint8Array): string | undefined {
  const frame = readClientFrame(bytes, LIMITS);
  const expected = expectFrame(bytes);
  if (frame.kind === 'refused') return expected === 'refuse' ? undefined : `refused (${frame.reason}), expected to ${expected}`;
  if (expected === 'refuse') return 'accepted, expected to be refused';
  const tree = readTree(frame.text);
  if (frame.kind !== 'batch') return messageDisagreement(frame, tree);
  const elements = tree.kind === 'array' ? tree.items : [];
  if (frame.items.length !== elements.length) return 'the batch has another length';
  for (const [index, item] of frame.items.entries()) {
    const why = elementDisagreement(item, elements[index]);
    if (why) return `element ${index}: ${why}`;
  }
  return undefined;
}

function elementDisagreement(item: ClientMessage | Refusal, tree: Tree | undefined): string | undefined {
  const expected = tree !== undefined && expectMessage(tree);
  if (item.kind === 'refused') return expected ? `refused (${item.reason}), expected to be accepted` : undefined;
  return expected && tree ? messageDisagreement(item, tree) : 'accepted, expected to be refused';
}

/** INVARIANT I7: JSON.parse and the lax reader see the message that was judged. */
function messageDisagreement(frame: ClientMessage, tree: Tree): string | undefined {
  const parsed = JSON.parse(frame.text.slice(frame.span.start, frame.span.end));
  if (frame.kind === 'response') return frame.isError === 'error' in parsed ? undefined : 'the answer is of another kind';
  const lax = laxMember(tree, 'params');
  if (parsed.method !== frame.method || leaf(laxMember(tree, 'method')) !== frame.method) return 'another method is seen';
  if ((frame.kind === 'request') !== 'id' in parsed || (laxMember(tree, 'id') !== undefined) !== 'id' in parsed)
    return 'another id is seen';
  if (frame.kind === 'request' && !Object.is(JSON.parse(frame.id.text), parsed.id)) return 'another id is read';
  const call = readToolCall(frame);
  if ('reason' in call) return undefined;
  if (parsed.params.name !== call.name || leaf(laxMember(lax, 'name')) !== call.name) return 'another name is seen';
  if (!isDeepStrictEqual(JSON.parse(call.argsText), parsed.params.arguments ?? {})) return 'the text of the arguments is another';
  if (!isDeepStrictEqual(toPlain(call.args), parsed.params.arguments ?? {})) return 'the arguments are others';
  const laxArguments = laxMember(lax, 'arguments');
  const own = tree.kind === 'object' ? tree.pairs.find(([key]) => key === 'params')?.[1] : undefined;
  const ownArguments = own?.kind === 'object' ? own.pairs.find(([key]) => key === 'arguments')?.[1] : undefined;
  return laxArguments === ownArguments ? undefined : 'other arguments are seen';
}

function leaf(tree: Tree | undefined): unknown {
  return tree?.kind === 'leaf' ? tree.value : undefined;
}

type Random = (below: number) => number;

/** Deterministic (a seed names a run) and good enough to choose mutations. */
function createRandom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function mutate(random: Random): Uint8Array {
  let bytes: Uint8Array = Buffer.from(pick(random, FRAMES));
  for (let times = random(4); times > 0; times--) bytes = mutateOnce(bytes, random);
  return bytes;
}

function mutateOnce(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + random(12));
  switch (random(7)) {
    case 0:
      return splice(bytes, at, end, new Uint8Array());
    case 1:
      return splice(bytes, at, at, bytes.subarray(at, Math.min(bytes.length, at + random(60))));
    case 2:
      return splice(bytes, at, Math.min(bytes.length, at + 1), new Uint8Array([random(256)]));
    case 3:
      return splice(bytes, 0, bytes.length, swapToken(bytes, random));
    case 4: {
      const other = Buffer.from(pick(random, FRAMES));
      const from = random(other.length);
      return splice(bytes, at, end, other.subarray(from, from + random(80)));
    }
    default:
      return splice(bytes, at, random(2) === 0 ? at : end, Buffer.from(pick(random, TOKENS)));
  }
}

/** Puts a token in the place of a string or scalar, so that many mutations stay well formed. */
function swapToken(bytes: Uint8Array, random: Random): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const places = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+|true|false|null/g)];
  const found = places[random(Math.max(1, places.length))];
  if (!found) return bytes;
  return splice(bytes, found.index, found.index + found[0].length, Buffer.from(pick(random, TOKENS)));
}

function pick(random: Random, from: readonly string[]): string {
  return from[random(from.length)] ?? '';
}

function splice(bytes: Uint8Array, start: number, end: number, piece: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, start), piece, bytes.subarray(end)]);
}

/** Cuts pieces out as long as the readers go on to disagree. */
function shrink(bytes: Uint8Array): FuzzReport['failure'] {
  let small = bytes;
  for (let size = small.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= small.length; ) {
      const shorter = splice(small, at, at + size, new Uint8Array());
      if (disagreement(shorter) === undefined) at += size;
      else small = shorter;
    }
  }
  const buffer = Buffer.from(small);
  return { frame: buffer.toString('utf8'), hex: buffer.toString('hex'), why: disagreement(small) ?? '' };
}

if (import.meta.main) {
  const count = Number(process.argv[2] ?? 1_000_000);
  const seed = Number(process.argv[3] ?? 1);
  const { accepted, refused, failure } = fuzz(count, seed);
  console.log(JSON.stringify({ count, seed, accepted, refused: Object.fromEntries(refused) }));
  if (failure) {
    console.log(JSON.stringify(failure));
    process.exitCode = 1;
  }
}

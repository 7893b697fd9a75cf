/** Back-pressure between two sides (wire.md §4): who is read while somebody reads slowly. */
import { expect, test } from 'bun:test';
import type { FrameBytes } from '../../src/mcp/messages/frame.ts';
import type { OutgoingFrame } from '../../src/proxy/exchange.ts';
import { connect, type Side } from '../../src/serve/flow.ts';

function openSide() {
  let slow = false;
  let read = true;
  const drains: (() => void)[] = [];
  const side: Side<FrameBytes> = {
    send: (frames) => (slow ? frames.reduce((sum, { length }) => sum + length, 0) : 0),
    onDrain: (f) => void drains.push(f),
    pause: () => {
      read = false;
    },
    resume: () => {
      read = true;
    },
  };
  return {
    side,
    isRead: () => read,
    slow: () => {
      slow = true;
    },
    drain: () => {
      slow = false;
      for (const f of drains) f();
    },
  };
}

const FRAME = { kind: 'notification', modern: false } as const;

function toServer({ send, ...side }: Side<FrameBytes>): Side<OutgoingFrame> {
  return { ...side, send: (frames) => send(frames.map(({ bytes }) => bytes)) };
}

function open(most = 1_000) {
  const [agent, server] = [openSide(), openSide()];
  return { agent, server, flow: connect(agent.side, toServer(server.side), most) };
}

test('while one side reads slowly the other is not read', () => {
  const { agent, server, flow } = open();
  agent.slow();
  flow.toAgent(['x']);
  expect([agent.isRead(), server.isRead()]).toEqual([true, false]);
  agent.drain();
  expect([agent.isRead(), server.isRead()]).toEqual([true, true]);
  server.slow();
  flow.toServer([{ ...FRAME, bytes: 'x' }]);
  expect([agent.isRead(), server.isRead()]).toEqual([false, true]);
  server.drain();
  expect(agent.isRead()).toBe(true);
});

test('a side that leaves too much of our own answers unread is not read itself', () => {
  const { agent, server, flow } = open();
  agent.slow();
  flow.toAgent(['x'.repeat(1_000)]);
  expect(agent.isRead()).toBe(true);
  flow.toAgent(['x']);
  expect(agent.isRead()).toBe(false);
  agent.drain();
  expect([agent.isRead(), server.isRead()]).toEqual([true, true]);
});

test('two reasons to wait: both have to end', () => {
  const { agent, server, flow } = open();
  server.slow();
  flow.toServer([{ ...FRAME, bytes: 'x' }]);
  flow.holdAgent(true);
  flow.holdAgent(false);
  expect(agent.isRead()).toBe(false);
  flow.holdAgent(true);
  server.drain();
  expect(agent.isRead()).toBe(false);
  flow.holdAgent(false);
  expect(agent.isRead()).toBe(true);
});

test('a peek reads a little more of an agent whose server hangs, and never without bound', () => {
  const { agent, server, flow } = open(600_000);
  server.slow();
  flow.toServer([{ ...FRAME, bytes: 'x' }]);
  flow.peek();
  expect(agent.isRead()).toBe(true);
  flow.toServer([{ ...FRAME, bytes: 'x'.repeat(300_000) }]);
  expect(agent.isRead()).toBe(false);
  flow.peek();
  flow.toServer([{ ...FRAME, bytes: 'x'.repeat(300_001) }]);
  flow.peek();
  expect(agent.isRead()).toBe(false);
});

/** Back-pressure between two sides (wire.md §4): who is read while somebody reads slowly. */
import { expect, test } from 'bun:test';
import { connect, type Side } from '../../src/serve/flow.ts';

function openSide() {
  let slow = false;
  let read = true;
  const drains: (() => void)[] = [];
  const side: Side = {
    write: () => !slow,
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

function open(most = 1_000) {
  const [agent, server] = [openSide(), openSide()];
  return { agent, server, flow: connect(agent.side, server.side, most) };
}

test('while one side reads slowly the other is not read', () => {
  const { agent, server, flow } = open();
  agent.slow();
  flow.toAgent('x');
  expect([agent.isRead(), server.isRead()]).toEqual([true, false]);
  agent.drain();
  expect([agent.isRead(), server.isRead()]).toEqual([true, true]);
  server.slow();
  flow.toServer('x');
  expect([agent.isRead(), server.isRead()]).toEqual([false, true]);
  server.drain();
  expect(agent.isRead()).toBe(true);
});

test('a side that leaves too much of our own answers unread is not read itself', () => {
  const { agent, server, flow } = open();
  agent.slow();
  flow.toAgent('x'.repeat(1_000));
  expect(agent.isRead()).toBe(true);
  flow.toAgent('x');
  expect(agent.isRead()).toBe(false);
  agent.drain();
  expect([agent.isRead(), server.isRead()]).toEqual([true, true]);
});

test('two reasons to wait: both have to end', () => {
  const { agent, server, flow } = open();
  server.slow();
  flow.toServer('x');
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
  flow.toServer('x');
  flow.peek();
  expect(agent.isRead()).toBe(true);
  flow.toServer('x'.repeat(300_000));
  expect(agent.isRead()).toBe(false);
  flow.peek();
  flow.toServer('x'.repeat(300_001));
  flow.peek();
  expect(agent.isRead()).toBe(false);
});

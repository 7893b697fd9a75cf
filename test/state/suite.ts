/** What every adapter of the Store port does alike. Each adapter's test file runs it. */
import { describe } from 'bun:test';
import type { OpenFixture } from './fixture.ts';
import { modelSuite } from './model.ts';
import { agentSuite } from './suite-agents.ts';
import { approvalSuite } from './suite-approvals.ts';
import { challengeSuite } from './suite-challenges.ts';
import { claimSuite } from './suite-claims.ts';
import { eventSuite } from './suite-events.ts';
import { limitSuite } from './suite-limits.ts';
import { recordSuite } from './suite-records.ts';
import { windowSuite } from './suite-windows.ts';

export function storeSuite(name: string, open: OpenFixture): void {
  describe(`${name}: the Store port`, () => {
    // Each in a block of its own: the hooks that open a store belong to it alone.
    describe('limits', () => limitSuite(open));
    describe('time', () => windowSuite(open));
    describe('records', () => recordSuite(open));
    describe('approvals', () => approvalSuite(open));
    describe('agents', () => agentSuite(open));
    describe('events of approvals', () => eventSuite(open));
    describe('claims', () => claimSuite(open));
    describe('challenges', () => challengeSuite(open));
    modelSuite(open);
  });
}

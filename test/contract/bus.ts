import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Bus } from '../../shared/ports/bus.ts';
import type { BusEvent } from '../../shared/schema/event.ts';

export interface BusUnderTest {
  bus: Bus;
  /** Details of the `CloudAccountOnboarded` events that a subscriber of them has been given so far. */
  received(): Promise<unknown[]>;
  stop(): Promise<void>;
}

export const onboarded = (accountID: string): BusEvent & { 'detail-type': 'CloudAccountOnboarded' } => ({
  id: randomUUID(),
  time: '2026-03-01T12:00:00Z',
  source: 'microseg',
  'detail-type': 'CloudAccountOnboarded',
  detail: {
    prismaID: '123',
    name: 'account',
    accountID,
    provider: 'aws',
    defaultPUIncomingTrafficAction: 'Allow',
    defaultPUOutgoingTrafficAction: 'Allow',
  },
});

export function busContract(name: string, open: () => Promise<BusUnderTest>): void {
  describe(`bus: ${name}`, () => {
    let under: BusUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    it('delivers a published event to who asked for its kind', async () => {
      const event = onboarded(randomUUID());
      await under.bus.publish(event);
      await vi.waitFor(async () => expect(await under.received()).toContainEqual(event.detail), 10_000);
    });

    it('delivers every one of many', async () => {
      const events = Array.from({ length: 25 }, () => onboarded(randomUUID()));
      await Promise.all(events.map(event => under.bus.publish(event)));
      await vi.waitFor(async () => {
        const received = await under.received();
        for (const { detail } of events) expect(received).toContainEqual(detail);
      }, 10_000);
    });

    it('delivers nothing of another kind', async () => {
      const accountID = randomUUID();
      const { detail, ...envelope } = onboarded(accountID);
      const { prismaID, name: account } = detail;
      await under.bus.publish({
        ...envelope,
        'detail-type': 'CloudAccountReady',
        detail: { prismaID, name: account, accountID },
      });
      const later = onboarded(randomUUID());
      await under.bus.publish(later);
      await vi.waitFor(async () => expect(await under.received()).toContainEqual(later.detail), 10_000);
      expect(JSON.stringify(await under.received())).not.toContain(accountID);
    });

    it('refuses an event that the bus does not take for its size', async () => {
      const event = onboarded('1');
      const big = { ...event, detail: { ...event.detail, name: 'x'.repeat(300 * 1024) } };
      await expect(under.bus.publish(big)).rejects.toMatchObject({ kind: 'too_large' });
    });
  });
}

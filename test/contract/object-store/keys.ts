import { describe, expect, it } from 'vitest';
import { create, freshTenant, makeNetwork } from '../../make/objects.ts';
import { type Given, refusal, toolsFor } from './given.ts';

export function keys(given: Given): void {
  const { plant, answerTo } = toolsFor(given);

  describe('answers', () => {
    it('are found by tenant and key for 24 hours, and then the key is free again', async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      const answer = answerTo(tenant, 'a#b', 'first');
      await given.store.commit([{ kind: 'answer', answer }]);
      expect(await given.store.answered(tenant, 'a#b')).toStrictEqual(answer);
      expect(await given.store.answered(tenant, 'a')).toBeUndefined();
      expect(await given.store.answered(other, 'a#b')).toBeUndefined();
      given.under.clock.advance(24 * 3600_000 - 1000);
      const early = await refusal(
        given.store.commit([{ kind: 'answer', answer: answerTo(tenant, 'a#b', 'second') }]),
      );
      expect(early.kind).toBe('conflict');
      given.under.clock.advance(1000);
      expect(await given.store.answered(tenant, 'a#b')).toBeUndefined();
      const second = answerTo(tenant, 'a#b', 'second');
      await given.store.commit([{ kind: 'answer', answer: second }]);
      expect(await given.store.answered(tenant, 'a#b')).toStrictEqual(second);
    });

    it('of many with one key let one be written, with what goes with it', async () => {
      const tenant = await plant();
      const kinds = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          given.store
            .commit([
              { kind: 'answer', answer: answerTo(tenant, 'key', `${index}`) },
              create('externalnetwork', makeNetwork(tenant, `n${index}`)),
            ])
            .then(
              () => 'written',
              error => error.kind,
            ),
        ),
      );
      expect(kinds.sort()).toEqual([...Array.from({ length: 19 }, () => 'conflict'), 'written']);
      const { items } = await given.store.list('externalnetwork', tenant, { limit: 99 });
      const kept = await given.store.answered(tenant, 'key');
      expect(items.map(({ name }) => name)).toEqual([`n${kept?.request}`]);
    });
  });

  describe('one-use keys', () => {
    it('says true once for a key of a tenant, and true again only after its time', async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      expect(await given.store.once(tenant, 'jti', 60)).toBe(true);
      expect(await given.store.once(tenant, 'jti', 60)).toBe(false);
      expect(await given.store.once(other, 'jti', 60)).toBe(true);
      expect(await given.store.once(tenant, 'another', 60)).toBe(true);
      given.under.clock.advance(59_000);
      expect(await given.store.once(tenant, 'jti', 60)).toBe(false);
      given.under.clock.advance(2_000);
      expect(await given.store.once(tenant, 'jti', 60)).toBe(true);
    });

    it('tells whether a key was used, and does not use it', async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      for (const _ of [1, 2]) expect(await given.store.wasUsed(tenant, 'jti')).toBe(false);
      expect(await given.store.once(tenant, 'jti', 60)).toBe(true);
      expect(await given.store.wasUsed(tenant, 'jti')).toBe(true);
      expect(await given.store.wasUsed(other, 'jti')).toBe(false);
      expect(await given.store.uses(tenant, 'jti')).toBe(0);
      given.under.clock.advance(61_000);
      expect(await given.store.wasUsed(tenant, 'jti')).toBe(false);
    });

    it('lets one of many win', async () => {
      const tenant = freshTenant();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => given.store.once(tenant, 'jti', 60)),
      );
      expect(answers.filter(first => first)).toHaveLength(1);
    });
  });

  describe('counted keys', () => {
    it('counts the uses of a key of a tenant up to the limit', async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      expect(await given.store.take(tenant, 'quota', 2, 60)).toBe(1);
      expect(await given.store.take(tenant, 'quota', 2, 60)).toBe(2);
      expect(await given.store.take(tenant, 'quota', 2, 60)).toBeUndefined();
      expect(await given.store.take(tenant, 'quota', 1, 60)).toBeUndefined();
      expect(await given.store.take(tenant, 'quota', 3, 60)).toBe(3);
      expect(await given.store.take(other, 'quota', 2, 60)).toBe(1);
      expect(await given.store.take(tenant, 'another', 1, 60)).toBe(1);
      given.under.clock.advance(59_000);
      expect(await given.store.take(tenant, 'quota', 3, 60)).toBeUndefined();
    });

    it('tells how many uses were counted, and counts none', async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      for (const _ of [1, 2]) expect(await given.store.uses(tenant, 'quota')).toBe(0);
      for (const _ of [1, 2, 3]) await given.store.take(tenant, 'quota', 2, 60);
      for (const _ of [1, 2]) expect(await given.store.uses(tenant, 'quota')).toBe(2);
      expect(await given.store.uses(other, 'quota')).toBe(0);
      expect(await given.store.wasUsed(tenant, 'quota')).toBe(false);
    });

    it('gives each number to one of many', async () => {
      const tenant = freshTenant();
      const uses = await Promise.all(
        Array.from({ length: 50 }, () => given.store.take(tenant, 'quota', 20, 60)),
      );
      const counted = uses.filter(use => use !== undefined).sort((a, b) => a - b);
      expect(counted).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listsByValue } from './object-store/by-value.ts';
import type { StoreUnderTest } from './object-store/given.ts';
import { keys } from './object-store/keys.ts';
import { lists } from './object-store/lists.ts';
import { lookUps } from './object-store/look-ups.ts';
import { races } from './object-store/races.ts';
import { refusals } from './object-store/refusals.ts';
import { writes } from './object-store/writes.ts';
import { compareWithModel } from './store-model.ts';

/** `histories`: how many random histories are compared with the model. */
export function objectStoreContract(
  name: string,
  open: () => Promise<StoreUnderTest>,
  { histories = 40 } = {},
): void {
  describe(`object store: ${name}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    const given = {
      get under() {
        return under;
      },
      get store() {
        return under.store;
      },
    };
    for (const part of [writes, refusals, lookUps, listsByValue, lists, keys, races]) part(given);
    it('does what a map does, over random histories', () =>
      compareWithModel(given.store, (real, expected) => expect(real).toEqual(expected), histories));
  });
}

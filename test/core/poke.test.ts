import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLost, poked, type Said } from '../../shared/core/poke.ts';
import { LIFE } from '../../shared/schema/enforcer.ts';
import { freshTenant, makeEnforcer } from '../make/objects.ts';

const START = Date.parse('2026-03-01T12:00:00.000Z');
const at = (milliseconds: number): Date => new Date(START + milliseconds);
const fresh = () => makeEnforcer(freshTenant(), 'e', 'm');
const running: Said = { operationalStatus: 'Connected', currentVersion: '1.2.3' };
const once = () => poked(fresh(), running, at(0)) ?? fresh();

describe('a poke', () => {
  it('that comes first is noted with what it says', () => {
    expect(once()).toMatchObject({
      ...running,
      unreachable: false,
      lastPokeTime: at(0).toISOString(),
      lastSyncTime: at(0).toISOString(),
    });
  });

  it('that says nothing new is noted once a minute', () => {
    expect(poked(once(), running, at(LIFE.interval))).toBeUndefined();
    expect(poked(once(), running, at(LIFE.noted - 1))).toBeUndefined();
    expect(poked(once(), running, at(LIFE.noted))?.lastPokeTime).toBe(at(LIFE.noted).toISOString());
  });

  it.each<[string, Said]>([
    ['another version', { currentVersion: '1.2.4' }],
    ['another status', { operationalStatus: 'Disconnected' }],
    ['another enforcement status', { enforcementStatus: 'Active' }],
    ['another bundle', { bundle: { revision: 1, state: 'applied', reason: '', digest: 'd', policy: 'p' } }],
  ])('that tells of %s is noted at once', (_, said) => {
    expect(poked(once(), said, at(1))).toMatchObject(said);
  });

  it('leaves what it does not say, and the version that readers have seen', () => {
    const enforcer = once();
    const { updateTime, currentVersion } = enforcer;
    expect(poked(enforcer, { enforcementStatus: 'Failed' }, at(1))).toMatchObject({
      updateTime,
      currentVersion,
    });
  });

  it('brings an unreachable enforcer back at once', () => {
    expect(poked({ ...once(), unreachable: true }, running, at(1))?.unreachable).toBe(false);
  });
});

describe('an enforcer is lost', () => {
  it('never while it pokes every 30 seconds, and within six minutes and a round after its last poke', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(LIFE.interval), (pokes, offset) => {
        let enforcer = fresh();
        let now = 0;
        for (let poke = 0; poke < pokes; poke += 1) {
          now = poke * LIFE.interval;
          enforcer = poked(enforcer, running, at(now)) ?? enforcer;
          expect(isLost(enforcer, at(now + offset))).toBe(false);
        }
        expect(isLost(enforcer, at(now + LIFE.unreachable))).toBe(false);
        expect(isLost(enforcer, at(now + LIFE.unreachable + LIFE.noted + 1))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('not when it said goodbye, never poked, or is known to be lost', () => {
    const late = at(3_600_000);
    expect(isLost(fresh(), late)).toBe(false);
    expect(isLost({ ...once(), operationalStatus: 'Disconnected' }, late)).toBe(false);
    expect(isLost({ ...once(), unreachable: true }, late)).toBe(false);
    expect(isLost(once(), late)).toBe(true);
  });
});

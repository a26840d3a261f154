import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLost, poked, type Said } from '../../shared/core/poke.ts';
import { type Enforcer, LIFE, enforcer as resource } from '../../shared/schema/enforcer.ts';
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

  const isDue = (enforcer: Enforcer, now: Date): boolean => {
    const due = resource.due?.(enforcer);
    return due !== undefined && due < now.toISOString();
  };

  it('only if it is due, which who goes on poking never is, and the place in the index moves once in four minutes', () => {
    const start = fc.nat(LIFE.stretch);
    const late = fc.array(fc.nat(LIFE.interval), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(start, late, fc.nat(2 * LIFE.stretch), (from, gaps, silence) => {
        let now = from;
        let enforcer = poked(fresh(), running, at(now)) ?? fresh();
        const places = new Set([resource.due?.(enforcer)]);
        for (const gap of gaps) {
          now += gap;
          expect(isDue(enforcer, at(now))).toBe(false);
          enforcer = poked(enforcer, running, at(now)) ?? enforcer;
          places.add(resource.due?.(enforcer));
        }
        expect(places.size).toBeLessThanOrEqual(2 + (now - from) / LIFE.stretch);
        const then = at(now + silence);
        expect(isDue(enforcer, then) || !isLost(enforcer, then)).toBe(true);
      }),
    );
  });

  it('not when it said goodbye, never poked, or is known to be lost', () => {
    const late = at(3_600_000);
    expect(isLost(fresh(), late)).toBe(false);
    expect(isLost({ ...once(), operationalStatus: 'Disconnected' }, late)).toBe(false);
    expect(isLost({ ...once(), unreachable: true }, late)).toBe(false);
    expect(isLost(once(), late)).toBe(true);
    const known = [
      fresh(),
      { ...once(), operationalStatus: 'Disconnected' as const },
      { ...once(), unreachable: true },
    ];
    expect(known.map(enforcer => resource.due?.(enforcer))).toEqual([undefined, undefined, undefined]);
  });
});

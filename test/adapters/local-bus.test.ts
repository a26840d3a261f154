import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backoff, type Disorder, openBus } from '../../shared/adapters/local/bus.ts';
import { matches, type Pattern } from '../../shared/adapters/local/event-pattern.ts';
import { consumed } from '../../shared/schema/event.ts';
import { onboarded } from '../contract/bus.ts';
import { testClock } from '../make/clock.ts';
import { type DataDirectory, dataDirectory } from '../make/data-directory.ts';

let directory: DataDirectory;
beforeEach(() => {
  directory = dataDirectory();
});
afterEach(() => directory.stop());

const PATTERN = consumed.CloudAccountOnboarded;

/** A bus whose one subscriber keeps what it gets and fails as often as it is told. */
const start = (disorder: Disorder = {}) => {
  const clock = testClock();
  const database = directory.open();
  const bus = openBus(database, clock, disorder);
  const got: string[] = [];
  const faults: Error[] = [];
  const subscriber = async (event: { id: string }): Promise<void> => {
    got.push(event.id);
    const fault = faults.shift();
    if (fault) throw fault;
  };
  bus.subscribe('one', PATTERN, subscriber);
  return { bus, clock, database, got, faults, subscriber };
};

describe('the bus of one process', () => {
  it('delivers once when all is calm, and owes nothing then', async () => {
    const { bus, got, database } = start();
    const event = onboarded('1');
    await bus.publish(event);
    expect(await bus.deliver()).toBe(1);
    expect(await bus.deliver()).toBe(0);
    expect(got).toEqual([event.id]);
    expect(database.handle.prepare('SELECT count(*) AS n FROM events').get()).toEqual({ n: 0 });
  });

  it('tries again later and later after a failure, and not before the time has come', async () => {
    const { bus, clock, got, faults } = start();
    faults.push(new Error('first'), new Error('second'));
    await bus.publish(onboarded('1'));
    expect(await bus.deliver()).toBe(1);
    expect(await bus.deliver()).toBe(0);
    clock.advance(backoff(1) - 1);
    expect(await bus.deliver()).toBe(0);
    clock.advance(1);
    expect(await bus.deliver()).toBe(1);
    clock.advance(backoff(2));
    expect(await bus.deliver()).toBe(1);
    expect(got).toHaveLength(3);
    clock.advance(backoff(20));
    expect(await bus.deliver()).toBe(0);
  });

  it('gives up after the last attempt and keeps the event with the last error', async () => {
    const { bus, clock, faults } = start();
    faults.push(...Array.from({ length: 185 }, (_, index) => new Error(`attempt ${index + 1}`)));
    const event = onboarded('1');
    await bus.publish(event);
    for (let attempt = 0; attempt < 185; attempt += 1) {
      expect(await bus.deliver()).toBe(1);
      clock.advance(backoff(attempt + 1));
    }
    expect(await bus.deliver()).toBe(0);
    expect(bus.dead()).toEqual([{ subscriber: 'one', event, error: 'attempt 185' }]);
  });

  it('still owes after a restart what was published before', async () => {
    const { bus, database, clock } = start();
    const event = onboarded('1');
    await bus.publish(event);
    database.close();
    const got: string[] = [];
    const again = openBus(directory.open(), clock);
    expect(await again.deliver()).toBe(0);
    again.subscribe('one', PATTERN, async ({ id }) => {
      got.push(id);
    });
    await again.deliver();
    expect(got).toEqual([event.id]);
  });

  it('lets one failing subscriber not hold up another', async () => {
    const { bus, got } = start();
    bus.subscribe('two', PATTERN, async () => {
      throw new Error('always');
    });
    const event = onboarded('1');
    await bus.publish(event);
    expect(await bus.deliver()).toBe(2);
    expect(got).toEqual([event.id]);
    expect(bus.dead()).toEqual([]);
  });

  it('duplicates and reorders when told to, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.boolean(), async (copies, reverse) => {
        const { bus, got, database } = start({
          copies: () => copies,
          ...(reverse && { shuffle: due => due.toReversed() }),
        });
        const events = ['1', '2', '3'].map(onboarded);
        for (const event of events) await bus.publish(event);
        await bus.deliver();
        const ids = events.map(({ id }) => id);
        expect(new Set(got)).toEqual(new Set(ids));
        expect(got).toHaveLength(copies * events.length);
        expect(got[0]).toBe(reverse ? ids[2] : ids[0]);
        database.close();
      }),
      { numRuns: 8 },
    );
  });

  it('delivers by itself once started, and stops when told', async () => {
    const { bus, got } = start();
    bus.start();
    await bus.publish(onboarded('1'));
    await expect.poll(() => got.length).toBe(1);
    await bus.stop();
    await bus.publish(onboarded('2'));
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(got).toHaveLength(1);
  });
});

describe('an event pattern', () => {
  const event = { source: 'a', detail: { eventName: 'x', deeper: { y: 'z' } } };
  it.each<[Pattern, boolean]>([
    [{}, true],
    [{ source: ['a', 'b'] }, true],
    [{ source: ['b'] }, false],
    [{ source: ['a'], detail: { eventName: ['x'] } }, true],
    [{ source: ['a'], detail: { eventName: ['y'] } }, false],
    [{ detail: { deeper: { y: ['z'] } } }, true],
    [{ missing: ['a'] }, false],
    [{ source: { deeper: ['a'] } }, false],
  ])('%j matches: %j', (pattern, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });
});

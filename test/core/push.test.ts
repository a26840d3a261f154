import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Committed,
  concerns,
  mayHear,
  type PushedChange,
  passes,
  pushed,
  subscriptionOf,
  wentWithNamespace,
} from '../../shared/core/push.ts';
import { permissionsOf } from '../../shared/core/roles.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { PushConfig } from '../../shared/schema/push.ts';
import type { Identity, ObjectOf } from '../../shared/schema/resources.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const PATHS = ['/', '/t', '/t/a', '/t/a/b', '/t/ab', '/u'];
const NAMES = ['web', 'west', 'db'];
const IDENTITIES = ['externalnetwork', 'enforcer', 'appcredential', 'namespace'] as const;
/** Spellings that a client may use. */
const SPELLED: Record<(typeof IDENTITIES)[number], readonly string[]> = {
  externalnetwork: ['externalnetwork', 'externalnetworks', 'extnet'],
  enforcer: ['enforcer', 'enforcers'],
  appcredential: ['appcredential', 'appcredentials', 'appcred'],
  namespace: ['namespace', 'namespaces', 'ns'],
};
const OPERATIONS = ['create', 'update', 'delete'] as const;

interface Filter {
  text: string;
  passes(name: string): boolean;
}

/** A filter, and what it means said once more without any of the language. */
const filters: fc.Arbitrary<Filter> = fc.letrec<{ any: Filter; leaf: Filter }>(tie => ({
  leaf: fc
    .tuple(fc.constantFrom(...NAMES), fc.constantFrom('==', '!=', 'matches'))
    .map(([name, operator]) => ({
      text: operator === 'matches' ? `name matches "^${name[0]}"` : `name ${operator} "${name}"`,
      passes: (value: string) =>
        operator === '=='
          ? value === name
          : operator === '!='
            ? value !== name
            : value.startsWith(name.slice(0, 1)),
    })),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.tuple(tie('any'), tie('any'), fc.boolean()).map(([a, b, isAnd]) => ({
      text: `(${a.text}) ${isAnd ? 'and' : 'or'} (${b.text})`,
      passes: (value: string) =>
        isAnd ? a.passes(value) && b.passes(value) : a.passes(value) || b.passes(value),
    })),
  ),
})).any;

interface Listener {
  namespace: string;
  recursive: boolean;
  asked: { identity: (typeof IDENTITIES)[number]; spelled: number; operations: readonly string[] }[];
  filters: Partial<Record<string, Filter>>;
  /** Raw permissions. */
  may: string[];
}

const listeners: fc.Arbitrary<Listener> = fc.record({
  namespace: fc.constantFrom(...PATHS),
  recursive: fc.boolean(),
  asked: fc.uniqueArray(
    fc.record({
      identity: fc.constantFrom(...IDENTITIES),
      spelled: fc.nat(1),
      operations: fc.uniqueArray(fc.constantFrom(...OPERATIONS)),
    }),
    { selector: ({ identity }) => identity, maxLength: 3 },
  ),
  filters: fc.dictionary(fc.constantFrom(...IDENTITIES), filters, { maxKeys: 2 }),
  may: fc.array(
    fc
      .tuple(fc.constantFrom(...IDENTITIES, '*'), fc.constantFrom('get', 'post', 'any', 'put,get', 'delete'))
      .map(part => part.join()),
    { maxLength: 3 },
  ),
});

interface Write {
  identity: (typeof IDENTITIES)[number];
  namespace: string;
  name: string;
  operation: (typeof OPERATIONS)[number];
  /** Of namespaces: whether it was and is hidden. */
  hidden: readonly [boolean, boolean];
}

const writes: fc.Arbitrary<Write> = fc.record({
  identity: fc.constantFrom(...IDENTITIES),
  namespace: fc.constantFrom(...PATHS),
  name: fc.constantFrom(...NAMES),
  operation: fc.constantFrom(...OPERATIONS),
  hidden: fc.tuple(fc.boolean(), fc.boolean()),
});

/** As the store has it; with a secret where there could be one. */
const stored = ({ identity, namespace, name }: Write, isHidden: boolean): ObjectOf<Identity> =>
  ({
    ID: '0'.repeat(24),
    namespace,
    name,
    createTime: NOW.toISOString(),
    ...(identity === 'appcredential' && { credentials: { certificateKey: 'secret' } }),
    ...(identity === 'namespace' && isHidden && { deletion: 'Hidden' }),
  }) as unknown as ObjectOf<Identity>;

const committed = (write: Write): Committed => ({
  resource: write.identity,
  operation: write.operation,
  ...(write.operation !== 'create' && { before: stored(write, write.hidden[0]) }),
  ...(write.operation !== 'delete' && { after: stored(write, write.hidden[1]) }),
});

const configOf = ({ asked, filters: by }: Listener): PushConfig =>
  PushConfig.parse({
    identities: Object.fromEntries(
      asked.map(({ identity, spelled, operations }) => [SPELLED[identity][spelled], operations]),
    ),
    filters: Object.fromEntries(Object.entries(by).map(([identity, filter]) => [identity, filter?.text])),
  });

const line = (operation: string, { identity, namespace, name }: Write): string =>
  `${operation} ${identity} ${namespace} ${name}`;

/** What the code under test tells. */
function told(listener: Listener, all: readonly Write[]): string[] {
  const place = { namespace: NamespacePath.parse(listener.namespace), recursive: listener.recursive };
  const subscription = subscriptionOf(place, configOf(listener), NOW);
  const held = listener.may.map(permissionsOf);
  return all.flatMap(write => {
    const change = pushed(committed(write));
    if (!change || !concerns(change, subscription) || !mayHear(change, held)) return [];
    if (!passes(change, subscription)) return [];
    expect(JSON.stringify(change)).not.toContain('secret');
    return line(change.operation, write);
  });
}

/** The same once more, the long way round. */
function expected(listener: Listener, all: readonly Write[]): string[] {
  const segments = (path: string): string[] => path.split('/').filter(part => part !== '');
  const lines: string[] = [];
  for (const write of all) {
    const [wasShown, isShown] = [
      write.operation !== 'create' && !(write.identity === 'namespace' && write.hidden[0]),
      write.operation !== 'delete' && !(write.identity === 'namespace' && write.hidden[1]),
    ];
    let operation: string = write.operation;
    if (!isShown) {
      if (!wasShown) continue;
      operation = 'delete';
    }
    const [mine, its] = [segments(listener.namespace), segments(write.namespace)];
    const isBelow = mine.every((part, at) => its[at] === part);
    if (!isBelow || (!listener.recursive && its.length !== mine.length)) continue;
    if (listener.asked.length > 0) {
      const entry = listener.asked.find(({ identity }) => identity === write.identity);
      if (!entry || (entry.operations.length > 0 && !entry.operations.includes(operation))) continue;
    }
    if (listener.filters[write.identity]?.passes(write.name) === false) continue;
    const may = listener.may.some(raw => {
      const [identity, ...verbs] = raw.split(',');
      return (
        (identity === '*' || identity === write.identity) && verbs.some(verb => /^(get|any)$/.test(verb))
      );
    });
    if (may) lines.push(line(operation, write));
  }
  return lines;
}

const RUNS = { numRuns: 2000 };

describe('what a listener is told', () => {
  it('is what a second reading of the rules says, and never a secret', () => {
    fc.assert(
      fc.property(listeners, fc.array(writes), (listener, all) => {
        expect(told(listener, all)).toEqual(expected(listener, all));
      }),
      RUNS,
    );
  });

  it('comes in the order of the changes and as often as they do, whatever that is', () => {
    const shuffled = fc
      .array(writes, { minLength: 1 })
      .chain(all => fc.tuple(fc.constant(all), fc.array(fc.nat(all.length - 1))));
    fc.assert(
      fc.property(listeners, shuffled, (listener, [all, order]) => {
        const again = order.flatMap(at => all[at] ?? []);
        expect(told(listener, again)).toEqual(again.flatMap(write => told(listener, [write])));
      }),
      RUNS,
    );
  });

  it('is no more with fewer rights, and the same below with mode=all as in the namespaces one by one', () => {
    fc.assert(
      fc.property(listeners, fc.array(writes), (listener, all) => {
        const fewer = told({ ...listener, may: listener.may.slice(1) }, all);
        const whole = told(listener, all);
        expect(fewer.filter(each => !whole.includes(each))).toEqual([]);
        const apart = PATHS.filter(path =>
          `${path}/`.startsWith(`${listener.namespace}/`.replace('//', '/')),
        ).flatMap(namespace => told({ ...listener, namespace, recursive: false }, all));
        if (listener.recursive) expect(whole.toSorted()).toEqual(apart.toSorted());
      }),
      RUNS,
    );
  });
});

/** A namespace as it lives, dies and comes again; each life has a number. */
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('create', 'delete', 'create', 'deliver') },
    { weight: 1, arbitrary: fc.constantFrom('purge', 'purge inside', 'again') },
  ),
  { maxLength: 40 },
);

describe('the deletion of an object', () => {
  it('is told if its user deleted it from a namespace that is still there, and not if it went with the namespace', () => {
    fc.assert(
      fc.property(steps, all => {
        let time = NOW.getTime();
        const tick = (): string => {
          time += 1;
          return new Date(time).toISOString();
        };
        /** Outer and inner namespace; undefined while one is not there. */
        const lives: ({ life: number; made: string } | undefined)[] = [0, 1].map(life => ({
          life,
          made: tick(),
        }));
        let life = 2;
        let objects: { createTime: string; of: string }[] = [];
        let waiting: { change: PushedChange; isPurged: boolean; of: string }[] = [];
        const now = (): string => lives.map(each => each?.life).join();
        const gone = (object: (typeof objects)[number], isPurged: boolean): void => {
          const change = {
            resource: 'externalnetwork',
            operation: 'delete',
            object,
          } as unknown as PushedChange;
          waiting.push({ change, isPurged, of: object.of });
        };
        const deliver = (): void => {
          const there = lives.every(each => each !== undefined);
          const made = there
            ? lives.map(each => each?.made ?? '').reduce((a, b) => (a > b ? a : b))
            : undefined;
          for (const { change, isPurged, of } of waiting)
            expect(wentWithNamespace(change, made)).toBe(isPurged || of !== now());
          waiting = [];
        };
        for (const step of all) {
          const isThere = lives.every(each => each !== undefined);
          if (step === 'create' && isThere) objects.push({ createTime: tick(), of: now() });
          if (step === 'delete') for (const object of objects.splice(0, 1)) gone(object, false);
          if (step === 'deliver') deliver();
          if (step.startsWith('purge')) {
            lives[1] = undefined;
            if (step === 'purge') lives[0] = undefined;
            for (const object of objects) gone(object, true);
            objects = [];
          }
          if (step === 'again')
            for (const at of [0, 1]) {
              lives[at] ??= { life, made: tick() };
              life += 1;
            }
        }
        deliver();
      }),
      RUNS,
    );
  });
});

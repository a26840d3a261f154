import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDue, Orders } from '../../../../clients/enforcer/agent/orders.ts';
import type { Status } from '../../../../clients/enforcer/agent/status.ts';
import { releasesURL } from '../../../../clients/enforcer/runner/control.ts';
import { OpenTime, Transactions } from '../../../../clients/enforcer/runner/gap.ts';
import { lastWords, wanting } from '../../../../clients/enforcer/runner/prove.ts';
import { rejectedIn } from '../../../../clients/enforcer/runner/rejects.ts';
import { resumeUnit } from '../../../../clients/enforcer/runner/resume-unit.ts';
import { DirectedTask } from '../../../../shared/schema/migration.ts';
import { movedClock } from '../clock.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const task = (more: object = {}) =>
  DirectedTask.parse({
    id: '01a213ec299f1ef181ca083a',
    kind: 'uninstall',
    version: '2.0.0',
    mode: 'keep-rules',
    probes: [],
    deadline: '2026-03-01T12:30:00.000Z',
    ...more,
  });

describe('orders', () => {
  test.each([
    ['an uninstall', {}, true],
    ['an uninstall for the version that runs', { version: '1.0.0' }, true],
    ['an install of another version', { kind: 'install' }, true],
    ['an install of the version that runs', { kind: 'install', version: '1.0.0' }, false],
    ['an order past its deadline', { deadline: '2026-03-01T11:59:59.000Z' }, false],
  ])('%s is begun: %j → %s', (_, more, due) => {
    expect(isDue(task(more), '1.0.0', NOW)).toBe(due);
  });

  test('an order is handed over once, and again after a while when it still stands', async () => {
    const clock = movedClock(NOW.toISOString());
    const orders = new Orders(clock, '1.0.0');
    expect(orders.due()).toBeUndefined();
    orders.told = task();
    expect(orders.due()?.id).toBe(task().id);
    expect(orders.due()).toBeUndefined();
    await clock.pass(61_000);
    expect(orders.due()?.id).toBe(task().id);
    orders.told = task({ id: '01a213ec299f1ef181ca083b' });
    expect(orders.due()?.id).toBe('01a213ec299f1ef181ca083b');
    orders.told = undefined;
    expect(orders.due()).toBeUndefined();
  });
});

describe('the time without rules', () => {
  test('a transaction that replaces the table leaves nothing open', () => {
    const lines = new Transactions();
    const replaced =
      'add table inet prisma\ndelete table inet prisma\nadd table inet prisma\n# new generation 7';
    expect(lines.read(replaced)).toEqual([]);
    expect(
      lines.read(' by process 12 (nft)\nadd table inet other\n# new generation 8 by process 1 (x)\n'),
    ).toEqual([true]);
    expect(lines.read('delete table inet prisma\n# new generation 9 by process 12 (nft)\n')).toEqual([false]);
    expect(lines.read('delete table inet prisma_runner\n# new generation 10 by process 12 (nft)\n')).toEqual(
      [],
    );
  });

  test('is the sum of the spans, however often it is written down and read again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.boolean(), fc.boolean()), { maxLength: 30 }),
        steps => {
          let [now, wanted, isThere] = [Date.parse('2026-03-01T12:00:00.000Z'), 0, true];
          let time = new OpenTime({ milliseconds: 0 });
          for (const [span, next, isKilled] of steps) {
            now += span;
            if (!isThere) wanted += span;
            time.became(next, now);
            isThere = next;
            // Killed: what is written down is all that is known.
            if (isKilled) time = new OpenTime(time.at(now));
          }
          expect(time.at(now).milliseconds).toBe(wanted);
        },
      ),
    );
  });
});

test('rejected flows are those whose rules log a rejection', () => {
  const listing = `table inet prisma {
	counter n_aa {
		packets 7 bytes 420
	}
	counter n_bb {
		packets 5 bytes 300
	}
	counter n_cc {
		packets 100 bytes 6000
	}
	chain in_1 {
		counter name "n_aa" log prefix "R:aa:" snaplen 96 group 5 goto no_in
		counter name "n_cc" log prefix "A:cc:" snaplen 96 group 5 goto yes_in
		counter name "n_bb" limit rate 100/second log prefix "R:bb:" snaplen 96 group 5
	}
}`;
  expect(rejectedIn(listing)).toBe(12);
  expect(rejectedIn('')).toBe(0);
});

const STATUS = {
  version: '2.0.0',
  pid: 1,
  startedAt: '2026-03-01T10:00:00.000Z',
  updatedAt: '2026-03-01T10:00:01.000Z',
  enforces: true,
  api: 'https://api.test',
  active: {
    revision: 1,
    digest: 'd',
    since: '2026-03-01T10:00:01.000Z',
    units: 1,
    warnings: [],
    lockdown: false,
  },
  staleSeconds: 0,
  mended: 0,
  lastContact: '2026-03-01T10:00:01.000Z',
  troubles: {},
} satisfies Status;

test.each<[string, Partial<Status>, string | undefined]>([
  ['one that holds its bundle', {}, undefined],
  ['one of another version', { version: '1.0.0' }, 'it says that it is version 1.0.0, not 2.0.0'],
  ['one that enforces nothing', { enforces: false }, 'it enforces nothing'],
  [
    'one that refused its bundle',
    { refused: { reason: 'unsigned', detail: 'x', at: STATUS.startedAt } },
    'it refused its bundle: unsigned: x',
  ],
  ['one without a unit', { active: { ...STATUS.active, units: 0 } }, 'it has not applied a bundle'],
  [
    'one that was heard of by nobody',
    { lastContact: '2026-03-01T09:59:59.000Z', troubles: { poke: { detail: 'away', at: STATUS.startedAt } } },
    'it has not reached the control plane (poke: away)',
  ],
])('%s is good, or is told what it lacks', (_, more, why) => {
  expect(wanting({ ...STATUS, ...more }, '2.0.0')).toBe(why);
});

test.each([
  [
    'https://b.s3.eu-west-1.amazonaws.com/bundles/0123456789abcdef01234567',
    'https://b.s3.eu-west-1.amazonaws.com/releases',
  ],
  ['http://10.0.0.1:8080/bundles/0123456789abcdef01234567', 'http://10.0.0.1:8080/releases'],
])('the releases of %s are at %s', (bundles, releases) => expect(releasesURL(bundles)).toBe(releases));

test('the unit for a reboot brings the rules back before the network, and then goes on', async () => {
  const folder = '/var/lib/prisma-enforcer-runner';
  const program = [
    '/usr/bin/node',
    '--disable-warning=ExperimentalWarning',
    `${folder}/releases/prisma-enforcer-1.0.0.mjs`,
  ];
  const guard = ['sh', '-c', 'journal=$1; exec "$@" 100%', 'sh', `${folder}/journal.json`] as const;
  const unit = resumeUnit([...guard, ...program, 'runner', 'work', '--prefix', '/'], folder);
  await expect(unit).toMatchFileSnapshot('golden/prisma-enforcer-resume.service');
});

test.each([
  [
    'an error with its stack',
    'listens\n/x.mjs:1\ncode;code\n\nTypeError: no such thing\n    at x\n\nNode.js v24\n',
    'TypeError: no such thing',
  ],
  ['a refusal', 'starts\nerror: --root is missing\n', 'error: --root is missing'],
  ['anything else', 'a\nb\nc\nd\n', 'b c d'],
  ['nothing', '', ''],
])('of %s the last words are kept', (_, log, words) => expect(lastWords(log)).toBe(words));

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Batch, Delivery } from '../../../../clients/enforcer/flows/delivery.ts';
import { Spool } from '../../../../clients/enforcer/flows/spool.ts';
import { movedClock } from '../clock.ts';

const limits = (all: number, memory = all) => ({ all, memory });

const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'enforcer-spool-'));
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

test('the spool gives batches back oldest first, and to the next run as well', () => {
  const place = folder();
  const spool = new Spool(place, limits(1000));
  for (const text of ['"a"', '"b"', '"c"']) spool.add(text, 1);
  spool.done(spool.oldest()?.name ?? '');
  expect(spool.oldest()?.text).toBe('"b"');
  const next = new Spool(place, limits(1000));
  next.add('"d"', 1);
  const texts: string[] = [];
  for (let batch = next.oldest(); batch; batch = next.oldest()) {
    texts.push(batch.text);
    next.done(batch.name);
  }
  expect(texts).toEqual(['"b"', '"c"', '"d"']);
});

test('only its owner reads what is spooled', () => {
  const place = folder();
  new Spool(place, limits(1000)).add('"a"', 1);
  const [name = ''] = readdirSync(place);
  expect(statSync(join(place, name)).mode & 0o777).toBe(0o600);
});

test('the oldest batches make room for the newest, and their reports are counted', () => {
  const spool = new Spool(folder(), limits(12));
  for (const text of ['"aaa"', '"bbb"', '"ccc"']) spool.add(text, 10);
  expect([spool.oldest()?.text, spool.dropped, spool.bytes]).toEqual(['"bbb"', 10, 10]);
  spool.add('"a batch that is longer than all room"', 7);
  expect([spool.dropped, spool.size]).toEqual([17, 2]);
});

/** A place that takes no files, until it does. */
function brokenPlace(): { place: string; mend: () => void } {
  const file = join(folder(), 'file');
  writeFileSync(file, '');
  return { place: join(file, 'spool'), mend: () => rmSync(file) };
}

/** Every batch that waits, oldest first. */
function drain(spool: Spool): string[] {
  const texts: string[] = [];
  for (let batch = spool.oldest(); batch; batch = spool.oldest()) {
    texts.push(batch.text);
    spool.done(batch.name);
  }
  return texts;
}

test('what the disk does not take waits in memory, in order, and is brought to the disk when it does', () => {
  const { place, mend } = brokenPlace();
  const spool = new Spool(place, limits(1000));
  for (const text of ['"a"', '"b"']) spool.add(text, 1);
  expect([spool.held.length, spool.dropped, spool.trouble]).toEqual([
    2,
    0,
    "flow reports can't be kept on disk (ENOTDIR); they wait in memory",
  ]);
  mend();
  spool.add('"c"', 1);
  expect([spool.held.length, spool.bytes, spool.trouble]).toEqual([0, 9, undefined]);
  expect(drain(new Spool(place, limits(1000)))).toEqual(['"a"', '"b"', '"c"']);
});

test('memory takes as much as it may and no more; what is given up is counted, and told until nothing waits', () => {
  const spool = new Spool(brokenPlace().place, limits(1000, 8));
  for (const text of ['"aa"', '"bb"', '"cc"']) spool.add(text, 5);
  spool.add('"longer than all memory"', 7);
  expect([spool.size, spool.dropped]).toEqual([0, 22]);
  for (const text of ['"dd"', '"ee"', '"ff"']) spool.add(text, 5);
  expect([spool.dropped, spool.trouble]).toEqual([
    27,
    expect.stringMatching(/ENOTDIR.*the oldest are given up$/),
  ]);
  expect(drain(spool)).toEqual(['"ee"', '"ff"']);
  expect(spool.trouble).toBeUndefined();
});

test('more than all that may wait is told, with the option that allows more', () => {
  const spool = new Spool(folder(), limits(8));
  for (const text of ['"aa"', '"bb"', '"cc"']) spool.add(text, 5);
  expect(spool.trouble).toBe('more flow reports wait than --spool-limit allows, and the oldest are given up');
});

test('few reports are kept with the newest ones, as one batch, and many are not', () => {
  const place = folder();
  const spool = new Spool(place, limits(1_000_000));
  const both = (text: string) => `${text.slice(0, -1)}b"`;
  expect(spool.join(1, both)).toBe(false);
  spool.add('"a"', 3);
  expect(spool.join(2, both)).toBe(true);
  expect([readdirSync(place), spool.size, spool.bytes]).toEqual([['000000000002.5.json'], 1, 4]);
  expect(spool.join(1, () => `"${'c'.repeat(70_000)}"`)).toBe(false);
  spool.add(`"${'c'.repeat(70_000)}"`, 100);
  expect(spool.join(1, both)).toBe(false);
  expect(drain(new Spool(place, limits(1_000_000)))).toEqual(['"ab"', `"${'c'.repeat(70_000)}"`]);
});

test('what would be more than all that may wait, or is damaged, is not joined', () => {
  const place = folder();
  const spool = new Spool(place, limits(8));
  spool.add('"aaa"', 1);
  expect(spool.join(1, () => '"aaabbbb"')).toBe(false);
  const broken = () => JSON.parse('no JSON');
  expect(spool.join(1, broken)).toBe(false);
  expect([spool.dropped, spool.size, drain(spool)]).toEqual([0, 1, ['"aaa"']]);
});

test('what waits in memory alone is not joined', () => {
  const spool = new Spool(brokenPlace().place, limits(1000));
  spool.add('"a"', 1);
  expect(spool.join(1, text => text)).toBe(false);
  expect(spool.held.length).toBe(1);
});

test('a damaged batch is given up and counted', () => {
  const place = folder();
  const spool = new Spool(place, limits(1000));
  spool.add('"a"', 3);
  spool.add('"b"', 4);
  writeFileSync(join(place, readdirSync(place).sort()[0] ?? ''), '"a');
  expect([spool.oldest()?.text, spool.dropped]).toEqual(['"b"', 3]);
});

function stage(place = folder()) {
  const clock = movedClock();
  const arrived: Batch<number>[] = [];
  let away = false;
  let refuses = false;
  const delivery = new Delivery<number>({
    clock,
    spool: new Spool(place, limits(1_000_000)),
    send: async batch => {
      if (away) throw new Error('away');
      arrived.push(batch);
      return refuses ? batch.reports.length : 0;
    },
  });
  const stop = new AbortController();
  return {
    clock,
    delivery,
    arrived,
    place,
    leave: (is: boolean) => {
      away = is;
    },
    refuse: () => {
      refuses = true;
    },
    running: delivery.run(stop.signal),
    stop,
  };
}

test('reports arrive in batches, and none twice after an outage', async () => {
  const { clock, delivery, arrived, leave, running, stop } = stage();
  delivery.add([1, 2]);
  await clock.pass(2000);
  leave(true);
  for (let report = 3; report < 9; report++) {
    delivery.add([report]);
    await clock.pass(60_000);
  }
  leave(false);
  await clock.pass(120_000);
  stop.abort();
  await running;
  expect(arrived.flatMap(({ reports }) => reports)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(delivery.counts).toEqual({ sent: 8, refused: 0, overflowed: 0 });
});

test('a long outage in which little happens takes few files, and little more of the disk than what is in them', async () => {
  const { clock, delivery, arrived, leave, place, running, stop } = stage();
  leave(true);
  const sent = Array.from({ length: 1500 }, (_, at) => Number.MAX_SAFE_INTEGER - at);
  for (let second = 0; second < 150; second++) {
    delivery.add(sent.slice(second * 10, (second + 1) * 10));
    await clock.pass(1000);
  }
  const files = readdirSync(place).map(name => statSync(join(place, name)));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const blocks = files.reduce((sum, { blocks }) => sum + blocks * 512, 0);
  expect(bytes).toBeGreaterThan(20_000);
  expect(blocks).toBeLessThan(bytes * 1.2);
  leave(false);
  await clock.pass(120_000);
  stop.abort();
  await running;
  expect(arrived.flatMap(({ reports }) => reports)).toEqual(sent);
});

test('what waits at the end is on disk for the next run', async () => {
  const { clock, delivery, leave, running, stop, place } = stage();
  leave(true);
  delivery.add([1, 2, 3]);
  await clock.pass(1000);
  delivery.add([4]);
  stop.abort();
  await running;
  const spool = new Spool(place, limits(1000));
  const reports: number[] = [];
  for (let batch = spool.oldest(); batch; batch = spool.oldest()) {
    reports.push(...(JSON.parse(batch.text) as Batch<number>).reports);
    spool.done(batch.name);
  }
  expect(reports).toEqual([1, 2, 3, 4]);
});

test.each([
  ['is there', 3, 0],
  ['is away', 0, 3],
] as const)(
  'at the end, where no disk takes what waits and the control plane %s, %i are sent and %i lost',
  async (what, sent, lost) => {
    const { clock, delivery, leave, running, stop } = stage(brokenPlace().place);
    leave(true);
    delivery.add([1, 2, 3]);
    await clock.pass(1000);
    if (what === 'is there') leave(false);
    stop.abort();
    await running;
    expect([delivery.counts.sent, delivery.dropped]).toEqual([sent, lost]);
  },
);

test('a batch that the control plane will never take does not block the next', async () => {
  const { clock, delivery, arrived, refuse, running, stop } = stage();
  refuse();
  delivery.add([1]);
  await clock.pass(2000);
  delivery.add([2]);
  await clock.pass(2000);
  stop.abort();
  await running;
  expect([arrived.length, delivery.counts.refused]).toEqual([2, 2]);
});

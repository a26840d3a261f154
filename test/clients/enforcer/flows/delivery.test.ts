import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Batch, Delivery } from '../../../../clients/enforcer/flows/delivery.ts';
import { Spool } from '../../../../clients/enforcer/flows/spool.ts';
import { movedClock } from '../clock.ts';

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
  const spool = new Spool(place, 1000);
  for (const text of ['"a"', '"b"', '"c"']) spool.add(text, 1);
  spool.done(spool.oldest()?.name ?? '');
  expect(spool.oldest()?.text).toBe('"b"');
  const next = new Spool(place, 1000);
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
  new Spool(place, 1000).add('"a"', 1);
  const [name = ''] = readdirSync(place);
  expect(statSync(join(place, name)).mode & 0o777).toBe(0o600);
});

test('the oldest batches make room for the newest, and their reports are counted', () => {
  const spool = new Spool(folder(), 12);
  for (const text of ['"aaa"', '"bbb"', '"ccc"']) spool.add(text, 10);
  expect([spool.oldest()?.text, spool.dropped, spool.bytes]).toEqual(['"bbb"', 10, 10]);
  spool.add('"a batch that is longer than all room"', 7);
  expect([spool.dropped, spool.size]).toEqual([17, 2]);
});

test('a damaged batch is given up and counted', () => {
  const place = folder();
  const spool = new Spool(place, 1000);
  spool.add('"a"', 3);
  spool.add('"b"', 4);
  writeFileSync(join(place, readdirSync(place).sort()[0] ?? ''), '"a');
  expect([spool.oldest()?.text, spool.dropped]).toEqual(['"b"', 3]);
});

function stage() {
  const clock = movedClock();
  const arrived: Batch<number>[] = [];
  let away = false;
  let refuses = false;
  const place = folder();
  const delivery = new Delivery<number>({
    clock,
    spool: new Spool(place, 1_000_000),
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

test('what waits at the end is on disk for the next run', async () => {
  const { clock, delivery, leave, running, stop, place } = stage();
  leave(true);
  delivery.add([1, 2, 3]);
  await clock.pass(1000);
  delivery.add([4]);
  stop.abort();
  await running;
  const spool = new Spool(place, 1000);
  const reports: number[] = [];
  for (let batch = spool.oldest(); batch; batch = spool.oldest()) {
    reports.push(...(JSON.parse(batch.text) as Batch<number>).reports);
    spool.done(batch.name);
  }
  expect(reports).toEqual([1, 2, 3, 4]);
});

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

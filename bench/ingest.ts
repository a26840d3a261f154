import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOf } from '../shared/adapters/flows/line.ts';
import { systemClock } from '../shared/adapters/local/clock.ts';
import { openFlowStore } from '../shared/adapters/local/flow-store.ts';
import type { FlowReport } from '../shared/schema/flowreport.ts';
import { NamespacePath } from '../shared/schema/ids.ts';
import { flowAt } from '../test/contract/flow-store.ts';
import { median } from './clients/load.ts';
import { servePlane } from './clients/served.ts';
import type { Bench, Row } from './row.ts';

const BATCH = 1000;
const BATCHES = 100;
const ROUNDS = 3;
/** Batches that are under way at once, as from so many enforcers. */
const AT_ONCE = 8;
const TENANT = NamespacePath.parse('/bench');

const batchOf = (): FlowReport[] => {
  const now = Date.now();
  return Array.from({ length: BATCH }, (_, at) => flowAt(TENANT, new Date(now - at).toISOString()));
};

/** Records a second of so many batches, several at once. */
async function perSecond(send: (batch: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    while (next < BATCHES) await send(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (BATCH * BATCHES * 1000) / (performance.now() - begun);
}

/** The floor: the same bytes at the end of one file, a sync for each batch. */
async function floor(folder: string, texts: readonly string[]): Promise<number> {
  await using file = await open(join(folder, `floor-${randomBytes(4).toString('hex')}`), 'ax');
  const begun = performance.now();
  for (const text of texts) {
    await file.appendFile(text);
    await file.datasync();
  }
  return (BATCH * texts.length * 1000) / (performance.now() - begun);
}

/** Flow records into one process, over HTTP and into the store itself, beside appending and syncing the same bytes. */
export const bench: Bench = {
  name: 'ingest',
  run: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'microseg-bench-'));
    const [plane, flows] = [await servePlane(), openFlowStore(folder, systemClock)];
    try {
      const batches = Array.from({ length: BATCHES }, batchOf);
      const texts = batches.map(batch => batch.map(lineOf).join(''));
      const bodies = batches.map(batch => JSON.stringify(batch));
      const headers = {
        authorization: plane.authorization,
        'x-namespace': TENANT,
        'content-type': 'application/json',
      };
      const post = async (at: number): Promise<void> => {
        const response = await fetch(`${plane.url}/flowreports`, {
          method: 'POST',
          headers,
          body: bodies[at] ?? '',
        });
        if (!response.ok) throw new Error(await response.text());
        await response.arrayBuffer();
      };
      const rounds: { http: number; store: number; floor: number }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push({
          http: await perSecond(post),
          store: await perSecond(at => flows.append(TENANT, batches[at] ?? [])),
          floor: await floor(folder, texts),
        });
      }
      const of = (key: 'http' | 'store' | 'floor'): number => median(rounds.map(round => round[key]));
      const peer = {
        value: of('floor'),
        unit: 'records/s',
        what: 'the same bytes appended, a sync for each batch',
      };
      const row = (name: string, value: number): Row => ({ name, value, unit: 'records/s', peer });
      return [
        row(`POST /flowreports, batches of ${BATCH}, ${AT_ONCE} at once`, of('http')),
        row('into the store of one process', of('store')),
      ];
    } finally {
      await flows.close();
      await plane.stop();
      await rm(folder, { recursive: true });
    }
  },
};

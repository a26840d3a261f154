import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { systemClock } from '../shared/adapters/local/clock.ts';
import { openDatabase } from '../shared/adapters/local/database.ts';
import { openObjectStore } from '../shared/adapters/local/object-store.ts';
import type { Write } from '../shared/ports/object-store.ts';
import { NamespacePath } from '../shared/schema/ids.ts';
import { create, makeActivity, makeNamespace, makeNetwork } from '../test/make/objects.ts';
import { servePlane } from './clients/served.ts';
import type { Bench, Row } from './row.ts';

const OBJECTS = 10_000;
const NAMESPACES = 40;
/** Megabytes that the server may come to. */
const MOST = 300;
const TENANT = '/bench';
/** Imports of the same objects, one behind the other. */
const WHICH = [`${OBJECTS} objects, checked and created`, 'again, all unchanged', 'a third time'];
const TIMES = WHICH.length;

const ENTRIES = ['192.0.2.0/24', '198.51.100.0/24', '!198.51.100.7/32'];
const TAGS = ['externalnetwork:name=office', 'env=prod', 'owner=network-team'];

/** 10,000 objects: forty namespaces, each with as many networks as rulesets. */
export function documentOf(): { label: string; data: Record<string, object[]> } {
  const inEach = (OBJECTS - NAMESPACES) / NAMESPACES;
  const places = Array.from({ length: NAMESPACES }, (_, at) => `group-${at}`);
  const spread = (from: number, make: (namespace: string, at: number) => object): object[] =>
    places.flatMap(namespace =>
      Array.from({ length: Math.floor((inEach + from) / 2) }, (_, at) => make(namespace, at)),
    );
  return {
    label: 'bench',
    data: {
      namespaces: places.map(name => ({ name, type: 'Group' })),
      externalnetworks: spread(0, (namespace, at) => ({
        name: `network ${at}`,
        namespace,
        entries: ENTRIES,
        associatedTags: TAGS,
      })),
      networkrulesetpolicies: spread(1, (namespace, at) => ({
        name: `ruleset ${at}`,
        namespace,
        subject: [[`app=app-${at}`, 'env=prod']],
        incomingRules: [
          { action: 'Allow', object: [['externalnetwork:name=office']], protocolPorts: ['tcp/443'] },
        ],
      })),
    },
  };
}

/** Most memory that a process had at a time, and has now, in megabytes. */
function memoryOf(pid: number, what: 'VmHWM' | 'VmRSS'): number {
  const [, kilobytes] =
    new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

interface Measured {
  /** From the start of each import to its end: the first makes the objects, the others find them. */
  seconds: number[];
  /** Most memory that the server had by the end of each. */
  peaks: number[];
  /** What it had before. */
  before: number;
  looks: number;
}

/** The same import several times, one behind the other, into a server of its own. */
async function measure(text: string, format: 'json' | 'yaml'): Promise<Measured> {
  const plane = await servePlane();
  const measured: Measured = { seconds: [], peaks: [], before: memoryOf(plane.pid, 'VmRSS'), looks: 0 };
  try {
    for (let time = 0; time < TIMES; time += 1) {
      const { client } = plane;
      const body = { size: Buffer.byteLength(text), format };
      const { body: created } = await client.call('createImport', { namespace: TENANT, body });
      const { upload, ID: id } = created;
      if (!upload) throw new Error('no place to upload to');
      const { 'content-length': _, ...headers } = upload.headers;
      const put = await fetch(upload.url, { method: upload.method, headers, body: text });
      if (!put.ok) throw new Error(await put.text());
      const begun = performance.now();
      await client.call('startImport', { namespace: TENANT, params: { id } });
      for (let ended = false; !ended; measured.looks += 1) {
        await sleep(100);
        const { body: run } = await client.call('getImport', { namespace: TENANT, params: { id } });
        ended = run.endTime !== undefined;
        if (ended && (run.status !== 'Succeeded' || run.applied !== OBJECTS))
          throw new Error(JSON.stringify(run));
      }
      measured.seconds.push((performance.now() - begun) / 1000);
      measured.peaks.push(memoryOf(plane.pid, 'VmHWM'));
    }
    return measured;
  } finally {
    await plane.stop();
  }
}

/** The floor: as many objects, each with its entry in the activity log, in transactions as large, and nothing else. */
async function floor(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'microseg-bench-'));
  const database = openDatabase(folder);
  try {
    const store = openObjectStore(database, systemClock);
    const tenant = NamespacePath.parse(TENANT);
    await store.commit([create('namespace', makeNamespace(tenant))]);
    const date = new Date().toISOString();
    const all = Array.from({ length: OBJECTS }, (_, at): Write[] => {
      const object = makeNetwork(tenant, `network ${at}`);
      const activity = { ...makeActivity(tenant, object, date), after: object };
      return [create('externalnetwork', object), { kind: 'activity', activity }];
    });
    const begun = performance.now();
    for (let from = 0; from < all.length; from += 49) await store.commit(all.slice(from, from + 49).flat());
    return (performance.now() - begun) / 1000;
  } finally {
    database.close();
    await rm(folder, { recursive: true });
  }
}

/** An import of 10,000 objects through the bucket, and what the server needs for it. */
export const bench: Bench = {
  name: 'import',
  run: async () => {
    const document = documentOf();
    const json = await measure(JSON.stringify(document), 'json');
    const yaml = await measure(stringify(document, { aliasDuplicateObjects: false }), 'yaml');
    const least = await floor();
    const puts = { value: least, unit: 's', what: 'the same number of puts straight to the store' };
    const limit = { value: MOST, unit: 'MB', what: 'most that it may be' };
    const rowsOf = (format: string, { seconds, peaks, before, looks }: Measured): Row[] => [
      { name: `${format}: the server before`, value: before, unit: 'MB' },
      ...seconds.map((value, at): Row => ({ name: `${format}: ${WHICH[at]}`, value, unit: 's', peer: puts })),
      ...peaks.map(
        (value, at): Row => ({
          name: `${format}: peak by the end of import ${at + 1}`,
          value,
          unit: 'MB',
          peer: limit,
        }),
      ),
      { name: `${format}: looks that were answered meanwhile`, value: looks, unit: 'requests' },
    ];
    const rows = [...rowsOf('JSON', json), ...rowsOf('YAML', yaml)];
    const peak = Math.max(...json.peaks, ...yaml.peaks);
    if (peak > MOST) throw new Error(`over ${MOST} MB: ${peak}`);
    return rows;
  },
};

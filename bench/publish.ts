import { generateKeyPairSync, sign } from 'node:crypto';
import { watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceFile } from '../shared/adapters/local/files.ts';
import type { EnforcerCredentials } from '../shared/api/messages.ts';
import { scratch } from '../test/make/process.ts';
import { load, median, quantile, requestText } from './clients/load.ts';
import { serveBare, servePlane } from './clients/served.ts';
import type { Bench, Row } from './row.ts';

type Plane = Awaited<ReturnType<typeof servePlane>>;

const ROUNDS = 5;
/** Changes of a round, each after the bundle of the one before. */
const CHANGES = 30;
const NAMESPACES = 100;

/** A namespace with an enforcer, and what the enforcer polls. */
interface Polled {
  path: string;
  access: EnforcerCredentials;
  networkID: string;
}

const timestampUrl = ({ access }: Polled): string => `${access.url}/metadata/timestamp.json`;
const folderOf = (plane: Plane, { access }: Polled): string =>
  join(plane.data, 'bucket', 'bundles', access.namespaceID);

async function poll(polled: Polled, etag = ''): Promise<string | undefined> {
  const headers = { 'x-amz-security-token': polled.access.sessionToken, 'if-none-match': etag };
  const response = await fetch(timestampUrl(polled), { headers });
  await response.arrayBuffer();
  return response.status === 200 ? (response.headers.get('etag') ?? undefined) : undefined;
}

/** The ETag of a bundle that is not the one with `before`. Waits for the file, so that waiting burdens no server. */
async function published(plane: Plane, polled: Polled, before = ''): Promise<string> {
  const folder = join(folderOf(plane, polled), 'metadata');
  for (;;) {
    const changed = Promise.withResolvers<void>();
    const timer = setTimeout(changed.resolve, 250);
    const watcher = await openWatch(folder, changed.resolve);
    const etag = await poll(polled, before);
    if (!etag) await changed.promise;
    clearTimeout(timer);
    watcher?.close();
    if (etag) return etag;
  }
}

/** The ETag of a bundle that nothing more comes after. */
async function settled(plane: Plane, polled: Polled): Promise<string> {
  for (let etag = await published(plane, polled); ; ) {
    await sleep(300);
    const next = await poll(polled, etag);
    if (!next) return etag;
    etag = next;
  }
}

/** Undefined while there is no folder yet. */
async function openWatch(folder: string, changed: () => void) {
  if (!(await stat(folder).catch(() => undefined))) return undefined;
  return watch(folder, (_, name) => {
    if (name?.startsWith('timestamp.json')) changed();
  });
}

async function prepare(plane: Plane, number: number): Promise<Polled> {
  const { client } = plane;
  const namespace = `/bench/n${number}`;
  await client.call('createNamespace', { namespace: '/bench', body: { name: `n${number}` } });
  const body = { name: 'host', FQDN: 'host.example.com' };
  const enforcer = (await client.call('createEnforcer', { namespace, body })).body;
  const subject = [['app=front']];
  const rules = [{ object: [['net=office']], protocolPorts: ['tcp/443'] }];
  const ruleset = { name: 'front', subject, outgoingRules: rules };
  await client.call('createNetworkrulesetpolicy', { namespace, body: ruleset });
  const office = { name: 'office', entries: ['192.0.2.0/24'], associatedTags: ['net=office'] };
  const network = (await client.call('createExternalnetwork', { namespace, body: office })).body;
  const request = { namespace, params: { id: enforcer.ID } };
  const access = (await client.call('createEnforcerCredentials', request)).body;
  return { path: namespace, access, networkID: network.ID };
}

const entriesOf = (n: number): string[] => [`10.${(n >> 8) & 255}.${n & 255}.0/24`];

/** Milliseconds from each acknowledged change to the poll that gets its bundle. */
async function changesOf(plane: Plane, polled: Polled, offset: number): Promise<number[]> {
  const times: number[] = [];
  let etag = await settled(plane, polled);
  for (let n = 0; n < CHANGES; n += 1) {
    const body = { entries: entriesOf(offset + n) };
    const request = { namespace: polled.path, params: { id: polled.networkID }, body };
    await plane.client.send('patchExternalnetwork', request);
    const acknowledged = performance.now();
    etag = await published(plane, polled, etag);
    times.push(performance.now() - acknowledged);
  }
  return times;
}

/** What no publish can do without: as many files replaced and synced, as many bytes long, and as many signatures. */
async function floorOf(files: number, bytes: number): Promise<number[]> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const body = Buffer.alloc(bytes, 'x');
  const folder = await scratch();
  const times: number[] = [];
  for (let n = 0; n < CHANGES; n += 1) {
    const begun = performance.now();
    for (let signature = 0; signature < 3; signature += 1) sign('sha256', body, privateKey);
    for (let file = 0; file < files; file += 1)
      await replaceFile(join(folder.path, `file-${file}`), join(folder.path, 'aside'), [body], 0o600);
    times.push(performance.now() - begun);
  }
  await folder.remove();
  return times;
}

/** How many files one change adds or replaces, and how long they are on the average. */
async function filesOfOneChange(plane: Plane, polled: Polled): Promise<{ files: number; bytes: number }> {
  const list = async () => {
    const entries = await readdir(folderOf(plane, polled), { recursive: true, withFileTypes: true });
    return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  };
  const etag = await settled(plane, polled);
  const before = new Set(await list());
  // A payload that was published before would be there already.
  const body = { entries: [`203.0.113.${before.size % 256}/32`] };
  const request = { namespace: polled.path, params: { id: polled.networkID }, body };
  await plane.client.send('patchExternalnetwork', request);
  await published(plane, polled, etag);
  const after = await list();
  // timestamp.json is replaced, the others are new.
  const written = after.filter(path => !before.has(path) || path.includes('timestamp.json'));
  const sizes = await Promise.all(written.map(async path => (await stat(path)).size));
  return {
    files: written.length,
    bytes: Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length),
  };
}

async function latency(plane: Plane, polled: Polled, name: string): Promise<Row[]> {
  const { files, bytes } = await filesOfOneChange(plane, polled);
  const what = `${files} files of ${bytes} bytes replaced and synced, 3 signatures`;
  const rounds: { ours: number[]; floor: number[] }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const ours = await changesOf(plane, polled, round * CHANGES);
    rounds.push({ ours, floor: await floorOf(files, bytes) });
  }
  return (
    [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const
  ).map(([label, share]) => {
    const of = (key: 'ours' | 'floor') => median(rounds.map(round => quantile(round[key], share)));
    const peer = { value: of('floor'), unit: 'ms', what };
    return {
      name: `change acknowledged → bundle pollable, ${name}, ${label}`,
      value: of('ours'),
      unit: 'ms',
      peer,
    };
  });
}

/** One propagating change: until the last of all bundles is there. */
async function everywhere(plane: Plane, all: readonly Polled[]): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const etags = await Promise.all(all.map(polled => settled(plane, polled)));
    const body = { name: `everywhere-${round}`, entries: ['198.51.100.0/24'], propagate: true };
    await plane.client.call('createExternalnetwork', { namespace: '/bench', body });
    const acknowledged = performance.now();
    for (const [index, polled] of all.entries()) await published(plane, polled, etags[index]);
    times.push(performance.now() - acknowledged);
  }
  const name = `change that reaches ${all.length} namespaces → all pollable, median`;
  return { name, value: median(times), unit: 'ms' };
}

async function polls(plane: Plane, polled: Polled): Promise<Row[]> {
  const bare = await serveBare();
  const etag = await settled(plane, polled);
  const headers = { 'x-amz-security-token': polled.access.sessionToken, 'if-none-match': etag };
  const text = requestText('GET', new URL(timestampUrl(polled)).pathname, headers);
  const peerText = requestText('GET', '/unchanged', headers);
  const run = (port: number, request: string, during = 1000) =>
    load({ port, connections: 16, during, request: () => request, status: ' 304 ' });
  const rounds: { ours: number; peer: number }[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const ours = (await run(plane.port, text)).perSecond;
    rounds.push({ ours, peer: (await run(bare.port, peerText)).perSecond });
  }
  await bare.stop();
  await plane.ask('count');
  const { milliseconds } = await run(plane.port, text, 500);
  const calls = Number(await plane.ask('counted'));
  await plane.ask('count');
  await plane.client.send('getExternalnetwork', { namespace: polled.path, params: { id: polled.networkID } });
  const oneGet = Number(await plane.ask('counted'));
  const of = (key: 'ours' | 'peer') => median(rounds.slice(1).map(round => round[key]));
  return [
    {
      name: 'polls answered 304',
      value: of('ours'),
      unit: 'requests/s',
      peer: { value: of('peer'), unit: 'requests/s', what: 'bare node:http that answers 304' },
    },
    {
      name: `calls of functions/ during ${milliseconds.length} such polls`,
      value: calls,
      unit: 'calls',
      peer: { value: oneGet, unit: 'calls', what: 'one get through the API' },
    },
  ];
}

/** From a change to its bundle, in one process with 1 and with 100 namespaces that have enforcers, and polls without news. */
export const bench: Bench = {
  name: 'publish',
  async run() {
    const plane = await servePlane();
    try {
      const first = await prepare(plane, 0);
      const rows = await latency(plane, first, '1 namespace');
      const all = [first];
      for (let n = 1; n < NAMESPACES; n += 1) all.push(await prepare(plane, n));
      await Promise.all(all.map(polled => settled(plane, polled)));
      rows.push(...(await latency(plane, first, `${NAMESPACES} namespaces`)));
      rows.push(await everywhere(plane, all));
      rows.push(...(await polls(plane, first)));
      return rows;
    } finally {
      await plane.stop();
    }
  },
};

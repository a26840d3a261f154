import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBucket } from '../../shared/adapters/local/bucket.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openSigner } from '../../shared/adapters/local/signer.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { testClock } from '../make/clock.ts';
import { type DataDirectory, dataDirectory } from '../make/data-directory.ts';

const WRITER = fileURLToPath(new URL('../make/writer.ts', import.meta.url));
const QUIET = '--disable-warning=ExperimentalWarning';

/** Starts a writer, kills it after so many milliseconds or acknowledgements, and gives what it acknowledged. */
async function killedWriter(directory: string, after: { milliseconds: number } | { lines: number }) {
  const child = spawn(process.execPath, [QUIET, WRITER, directory], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', chunk => {
    output += chunk;
    if ('lines' in after && output.split('\n').length > after.lines) child.kill('SIGKILL');
  });
  child.stderr.on('data', chunk => {
    errors += chunk;
  });
  if ('milliseconds' in after) setTimeout(() => child.kill('SIGKILL'), after.milliseconds);
  await new Promise(resolve => child.once('close', resolve));
  expect(errors).toBe('');
  const lines = output.split('\n').slice(0, -1);
  return (kind: string): string[] =>
    lines.filter(line => line.startsWith(`${kind} `)).map(line => line.slice(kind.length + 1));
}

let directory: DataDirectory;
beforeEach(() => {
  directory = dataDirectory();
});
afterEach(() => directory.stop());

/** What the directory holds, opened as the next start opens it. */
async function reopened() {
  const database = directory.open();
  const store = openObjectStore(database, testClock());
  const objects = new Set<string>();
  let after: string | undefined;
  do {
    const page = await store.list('externalnetwork', NamespacePath.parse('/t'), {
      limit: 1000,
      ...(after !== undefined && { after }),
    });
    for (const { ID } of page.items) objects.add(ID);
    after = page.next;
  } while (after !== undefined);
  const events = new Set(
    database.handle
      .prepare('SELECT event FROM events')
      .all()
      .map(row => String(JSON.parse(String(row.event)).id)),
  );
  const changes = Number(database.handle.prepare('SELECT count(*) AS n FROM changes').get()?.n);
  const found = await (await openBucket(join(directory.path, 'bucket'))).get('bundles/timestamp.json');
  database.close();
  return { objects, events, changes, etag: found.found ? found.etag : undefined };
}

describe('a process that is killed with -9', () => {
  it('loses nothing that it acknowledged, time after time, in one data directory', async () => {
    const acknowledged = { object: new Set<string>(), event: new Set<string>() };
    let bodies = 0;
    for (const lines of [50, 400, 1500, 3000]) {
      const said = await killedWriter(directory.path, { lines });
      for (const id of said('object')) acknowledged.object.add(id);
      for (const id of said('event')) acknowledged.event.add(id);
      const { objects, events, changes, etag } = await reopened();
      expect([...acknowledged.object].filter(id => !objects.has(id))).toEqual([]);
      expect([...acknowledged.event].filter(id => !events.has(id))).toEqual([]);
      // Every object has its change in the feed: they are one transaction.
      expect(changes).toBe(objects.size);
      bodies += said('bucket').length;
      if (bodies > 0) expect(etag).toBeDefined();
      const { publicKey } = await openSigner(join(directory.path, 'keys', 'token.pem'), { create: false });
      expect(said('key')).toEqual([Buffer.from(await publicKey()).toString('base64')]);
    }
    expect(acknowledged.object.size).toBeGreaterThan(100);
    expect(bodies).toBeGreaterThan(0);
  });

  it('starts again when it was killed at any moment of its first start', async () => {
    for (let milliseconds = 100; milliseconds <= 700; milliseconds += 60) {
      const fresh = dataDirectory();
      await killedWriter(fresh.path, { milliseconds });
      const said = await killedWriter(fresh.path, { lines: 5 });
      expect(said('object').length).toBeGreaterThan(0);
      await fresh.stop();
    }
  });
});

describe('a data directory', () => {
  it('is in use by one process at a time', () => {
    const module = new URL('../../shared/adapters/local/database.ts', import.meta.url);
    const script = `import { openDatabase } from '${module}';
      try { openDatabase('${directory.path}'); console.log('opened'); } catch (error) { console.log(error.message); }`;
    const elsewhere = (): string =>
      execFileSync(process.execPath, [QUIET, '--input-type=module', '-e', script]).toString();
    const database = directory.open();
    expect(elsewhere()).toContain(`${directory.path} is in use by another process`);
    database.close();
    expect(elsewhere()).toContain('opened');
  });
});

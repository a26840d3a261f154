import { importStarted } from '../../functions/events/import-started.ts';
import { tasks } from '../../functions/tasks/index.ts';
import { openWorkflows, type WorkflowsOptions } from '../../local/workflows.ts';
import { openChangeFeed } from '../../shared/adapters/local/change-feed.ts';
import { CreatedImport, ShownImport } from '../../shared/api/import-routes.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { BusEvent } from '../../shared/schema/event.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import type { ImportSpec } from '../../shared/schema/import.ts';
import { identities } from '../../shared/schema/resources.ts';
import type { Answer } from './call.ts';
import { type Caller, openPlane, type Plane } from './plane.ts';
import { only, quiet } from './state-machine.ts';
import { timeline } from './timeline.ts';

export interface ImportingOptions extends Pick<WorkflowsOptions, 'onTransition' | 'duplicateDelivery'> {
  /** The store of the tasks, where it is not that of the API. */
  store?: ObjectStore;
}

let times = 0;

/** The change feed, the real state machine and the real tasks over the store of an API. */
export function importing(plane: Plane, { store = plane.deps.store, ...options }: ImportingOptions = {}) {
  const events: BusEvent[] = [];
  const time = timeline(undefined, `importing ${++times}`);
  const deps = { ...plane.deps, store, bus: { publish: async (event: BusEvent) => void events.push(event) } };
  const workflows = openWorkflows({
    database: plane.database,
    definitions: only('import-objects'),
    tasks: Object.fromEntries(
      Object.entries(tasks).map(([name, task]) => [name, (payload: unknown) => task(payload, deps)]),
    ),
    clock: time,
    timers: time.timers,
    log: quiet,
    ...options,
  });
  const feed = openChangeFeed(plane.database);
  /** Hands over every change that is still kept, as a feed that begins anew does. */
  const deliver = async (): Promise<void> => {
    let cursor = await feed.start();
    for (;;) {
      const batch = await feed.read(cursor, 500);
      if (batch.changes.length === 0) return;
      await importStarted(batch.changes, { workflows, log: quiet });
      cursor = batch.cursor;
    }
  };
  /** Moves time on until every execution has ended. */
  const finish = async (): Promise<void> => {
    do await workflows.idle();
    while (time.next());
    await workflows.idle();
  };
  return { events, workflows, deliver, finish };
}

const parsed = <T>(schema: { parse(value: unknown): T }, { status, text }: Answer): T => {
  if (status !== 200) throw new Error(text);
  return schema.parse(JSON.parse(text));
};

/** Creates an import, puts its document into the bucket and starts it. */
export async function begin(
  plane: Plane,
  by: Caller,
  namespace: string,
  document: object | string | undefined,
  spec: Partial<ImportSpec> = {},
): Promise<ShownImport> {
  const body = typeof document === 'string' ? document : JSON.stringify(document);
  const size = document === undefined ? {} : { size: Buffer.byteLength(body) };
  const created = parsed(CreatedImport, await by('POST /imports', namespace, { body: { ...size, ...spec } }));
  if (document !== undefined) {
    await plane.deps.bucket.put(`uploads/${created.ID}`, Buffer.from(body), { contentType: 'x' });
  }
  return parsed(ShownImport, await by(`POST /imports/${created.ID}/start`, namespace));
}

export const shown = async (by: Caller, namespace: string, ID: string): Promise<ShownImport> =>
  parsed(ShownImport, await by(`GET /imports/${ID}`, namespace));

/** A plane for thousands of small transactions, which would only wait for the disk: durability has tests of its own. */
export async function quickPlane(): Promise<Plane> {
  const plane = await openPlane();
  plane.database.handle.exec('PRAGMA synchronous = OFF');
  return plane;
}

/** Begins an import and lets it end. */
export async function imported(plane: Plane, by: Caller, namespace: string, ...what: What) {
  const { ID } = await begin(plane, by, namespace, ...what);
  const { deliver, finish, events, workflows } = importing(plane);
  await deliver();
  await finish();
  return { ...(await shown(by, namespace, ID)), events, workflows };
}

type What = Parameters<typeof begin> extends [Plane, Caller, string, ...infer Rest] ? Rest : never;

/** Everything in a tenant, without what differs from one making to the next. */
export async function contentOf({ deps }: Plane, tenant: string): Promise<string[]> {
  const lists = await Promise.all(
    identities.map(async identity => {
      const { items } = await deps.store.listTree(identity, NamespacePath.parse(tenant), { limit: 1000 });
      return items.map(object => {
        const { ID, createTime, updateTime, normalizedTags, ...kept } = object as Record<string, unknown>;
        return `${identity} ${JSON.stringify(kept, Object.keys(kept).sort()).replaceAll(tenant, '')}`;
      });
    }),
  );
  return lists.flat().sort();
}

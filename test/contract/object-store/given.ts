import { touch } from '../../../shared/core/object.ts';
import type { Answered, ObjectStore, Page, Stored, Write } from '../../../shared/ports/object-store.ts';
import { type Failure, fail } from '../../../shared/schema/failure.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import type { TestClock } from '../../make/clock.ts';
import { create, freshTenant, makeNamespace } from '../../make/objects.ts';

export interface StoreUnderTest {
  store: ObjectStore;
  /** The same table, as another process has it open. */
  other: ObjectStore;
  /** The clock that the store was given. */
  clock: TestClock;
  stop(): Promise<void>;
}

/** What the parts of the contract are about. It is there once their tests run. */
export interface Given {
  readonly under: StoreUnderTest;
  readonly store: ObjectStore;
}

/** For which the store under test keeps the activity log. */
export const ACTIVITY_DAYS = 30;

export const AT = '2026-03-01T12:00:00.000Z';
export const later = (object: Stored<'externalnetwork'>, description: string): Stored<'externalnetwork'> =>
  touch('externalnetwork', { ...object, description }, new Date(AT));

/** Of what asks an endpoint many times over. */
export const PATIENT = { timeout: 10_000 };

export const createPolicy = (policy: Stored<'apiauthorizationpolicy'>): Write =>
  create('apiauthorizationpolicy', policy);

export const refusal = async (work: Promise<unknown>): Promise<Pick<Failure, 'kind' | 'message'>> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error && 'kind' in error) return error as Failure;
    throw error;
  }
  throw fail('bad_request', 'nothing was refused');
};

/** Everything of a list, by pages of `limit`. */
export async function every<T>(read: (after?: string) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let after: string | undefined;
  do {
    const page = await read(after);
    all.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return all;
}

export const namesOf = (objects: readonly { name: string }[]): string[] => objects.map(({ name }) => name);

export const toolsFor = (given: Given) => ({
  /** A tenant with some namespaces in it. */
  plant: async (...below: string[]): Promise<NamespacePath> => {
    const tenant = freshTenant();
    await given.store.commit([create('namespace', makeNamespace(tenant))]);
    for (const path of below)
      await given.store.commit([create('namespace', makeNamespace(NamespacePath.parse(`${tenant}${path}`)))]);
    return tenant;
  },
  answerTo: (tenant: NamespacePath, key: string, request: string): Answered => ({
    tenant,
    key,
    request,
    body: { ID: 'x', list: [1, null] },
    messages: ['careful'],
    date: given.under.clock.now().toISOString(),
  }),
  keyOf: (object: Stored<'externalnetwork'>) =>
    ({ resource: 'externalnetwork', namespace: object.namespace, id: object.ID }) as const,
  page: (namespace: NamespacePath, limit: number, after?: string) =>
    given.store.list('externalnetwork', namespace, { limit, ...(after !== undefined && { after }) }),
  treePage: (namespace: NamespacePath, limit: number, after?: string) =>
    given.store.listTree('externalnetwork', namespace, { limit, ...(after !== undefined && { after }) }),
});

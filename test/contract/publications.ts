import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Publication, Publications } from '../../shared/ports/publications.ts';
import { childPath, type NamespacePath } from '../../shared/schema/ids.ts';
import { Tag } from '../../shared/schema/tag.ts';
import { freshTenant, nextID } from '../make/objects.ts';

export interface PublicationsUnderTest {
  publications: Publications;
  stop(): Promise<void>;
}

export function publicationsContract(name: string, open: () => Promise<PublicationsUnderTest>): void {
  describe(`publications: ${name}`, () => {
    let under: PublicationsUnderTest;
    let publications: Publications;
    beforeAll(async () => {
      under = await open();
      publications = under.publications;
    });
    afterAll(() => under.stop());

    const marked = async (tenant: NamespacePath): Promise<Publication> => {
      const namespaceID = nextID();
      await publications.mark(tenant, namespaceID);
      const entry = await publications.get(tenant, namespaceID);
      return entry ?? expect.fail('no entry was made');
    };

    it('makes an entry at the first mark and raises it at each', async () => {
      const tenant = freshTenant();
      const entry = await marked(tenant);
      expect(entry).toEqual({
        namespace: tenant,
        namespaceID: entry.namespaceID,
        marked: 1,
        published: 0,
        revision: 0,
        digest: '',
        since: 0,
        changed: '',
        selectors: [],
        reaches: [],
      });
      await publications.mark(tenant, entry.namespaceID);
      expect(await publications.get(tenant, entry.namespaceID)).toMatchObject({ marked: 2, published: 0 });
    });

    it('counts every one of many marks at once', async () => {
      const tenant = freshTenant();
      const { namespaceID } = await marked(tenant);
      await Promise.all(Array.from({ length: 50 }, () => publications.mark(tenant, namespaceID)));
      expect(await publications.get(tenant, namespaceID)).toMatchObject({ marked: 51 });
    });

    it('records what was published and leaves a later mark open', async () => {
      const tenant = freshTenant();
      const entry = {
        ...(await marked(tenant)),
        revision: 3,
        digest: 'd'.repeat(64),
        since: 2,
        changed: '2026-03-01T12:00:00.000Z',
        selectors: [[Tag.parse('a=b')]],
        reaches: [tenant],
      };
      await publications.mark(tenant, entry.namespaceID);
      await publications.done(entry);
      expect(await publications.get(tenant, entry.namespaceID)).toEqual({
        ...entry,
        marked: 2,
        published: 1,
      });
    });

    it('keeps the newer record when an older one comes late', async () => {
      const tenant = freshTenant();
      const older = await marked(tenant);
      await publications.mark(tenant, older.namespaceID);
      const newer = { ...older, marked: 2, selectors: [[Tag.parse('new=yes')]] };
      await publications.done(newer);
      await publications.done(older);
      expect(await publications.get(tenant, older.namespaceID)).toEqual({ ...newer, published: 2 });
    });

    it('lists a tenant by namespace and nobody else’s', async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      const paths = ['b', 'a', 'c'].map(segment => childPath(tenant, segment));
      for (const path of paths) await publications.mark(path, nextID());
      await publications.mark(other, nextID());
      expect((await publications.list(tenant)).map(({ namespace }) => namespace)).toEqual(paths.toSorted());
    });

    it('forgets a removed namespace, and a late record does not bring it back', async () => {
      const tenant = freshTenant();
      const entry = await marked(tenant);
      await publications.remove(tenant, entry.namespaceID);
      await publications.done(entry);
      await publications.remove(tenant, entry.namespaceID);
      expect(await publications.get(tenant, entry.namespaceID)).toBeUndefined();
      expect(await publications.list(tenant)).toEqual([]);
    });
  });
}

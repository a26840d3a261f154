import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../shared/ports/bucket.ts';

export interface BucketUnderTest {
  bucket: Bucket;
  stop(): Promise<void>;
}

const text = (body: string): Uint8Array => new TextEncoder().encode(body);
const JSON_TYPE = { contentType: 'application/json' };

/** `racers`: how many writers compete for one key. `runs`: how many random bodies are put. */
export function bucketContract(
  name: string,
  open: () => Promise<BucketUnderTest>,
  { racers = 100, runs = 30 } = {},
): void {
  describe(`bucket: ${name}`, () => {
    let under: BucketUnderTest;
    let bucket: Bucket;
    beforeAll(async () => {
      under = await open();
      bucket = under.bucket;
    });
    afterAll(() => under.stop());
    /** A folder that no other test has. */
    const folder = (): string => `bundles/${randomBytes(12).toString('hex')}`;

    const put = async (key: string, body: string): Promise<string> => {
      const answer = await bucket.put(key, text(body), JSON_TYPE);
      return answer.outcome === 'written' ? answer.etag : expect.fail(`${key} was not written`);
    };
    const read = async (key: string): Promise<string | undefined> => {
      const answer = await bucket.get(key);
      return answer.found && answer.modified ? new TextDecoder().decode(answer.body) : undefined;
    };

    it('returns what was put, with the ETag that the put gave', async () => {
      const key = `${folder()}/metadata/1.root.json`;
      const etag = await put(key, 'one');
      expect(etag).toMatch(/^".+"$/);
      expect(await bucket.get(key)).toEqual({ found: true, modified: true, etag, body: text('one') });
    });

    it('returns any bytes unchanged', async () => {
      const key = `${folder()}/x`;
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async body => {
          await bucket.put(key, body, JSON_TYPE);
          const answer = await bucket.get(key);
          expect(answer.found && answer.modified && Buffer.compare(answer.body, body)).toBe(0);
        }),
        { numRuns: runs },
      );
    });

    it('gives a body in pieces that are the whole together', async () => {
      const key = `${folder()}/x`;
      const body = randomBytes(300_000);
      await bucket.put(key, body, JSON_TYPE);
      const pieces: Uint8Array[] = [];
      for await (const piece of (await bucket.read(key)) ?? []) pieces.push(piece);
      expect(pieces.length).toBeGreaterThan(1);
      expect(Buffer.compare(Buffer.concat(pieces), body)).toBe(0);
      expect(await bucket.read(`${folder()}/none`)).toBeUndefined();
    });

    it('finds nothing where nothing is', async () => {
      expect(await bucket.get(`${folder()}/none`)).toEqual({ found: false });
      expect(await bucket.get(`${folder()}/none`, { ifNoneMatch: '"x"' })).toEqual({ found: false });
    });

    it('replaces whole objects, and equal bodies have equal ETags', async () => {
      const key = `${folder()}/x`;
      const first = await put(key, 'one');
      const second = await put(key, 'two');
      expect(second).not.toBe(first);
      expect(await read(key)).toBe('two');
      expect(await put(key, 'one')).toBe(first);
    });

    it('says not modified to a GET that has the ETag, and sends the body to one that has another', async () => {
      const key = `${folder()}/timestamp.json`;
      const etag = await put(key, 'one');
      expect(await bucket.get(key, { ifNoneMatch: etag })).toEqual({ found: true, modified: false, etag });
      expect(await bucket.get(key, { ifNoneMatch: '"other"' })).toMatchObject({ modified: true });
    });

    it('creates with If-None-Match only where nothing is', async () => {
      const key = `${folder()}/x`;
      const condition = { ...JSON_TYPE, ifNoneMatch: '*' } as const;
      expect(await bucket.put(key, text('one'), condition)).toMatchObject({ outcome: 'written' });
      expect(await bucket.put(key, text('two'), condition)).toEqual({ outcome: 'conflict' });
      expect(await read(key)).toBe('one');
    });

    it('replaces with If-Match only what has the ETag', async () => {
      const key = `${folder()}/x`;
      const etag = await put(key, 'one');
      const swap = (ifMatch: string, body: string) => bucket.put(key, text(body), { ...JSON_TYPE, ifMatch });
      expect(await swap('"00000000000000000000000000000000"', 'two')).toEqual({ outcome: 'conflict' });
      expect(await swap(etag, 'two')).toMatchObject({ outcome: 'written' });
      expect(await swap(etag, 'three')).toEqual({ outcome: 'conflict' });
      expect(await read(key)).toBe('two');
      await bucket.delete(key);
      expect(await swap(etag, 'four')).toEqual({ outcome: 'conflict' });
    });

    it('lets one of many conditional writers win, and keeps its body', async () => {
      const [fresh, swapped] = [`${folder()}/x`, `${folder()}/x`];
      const ifMatch = await put(swapped, 'old');
      const race = async (key: string, condition: { ifMatch: string } | { ifNoneMatch: '*' }) => {
        const outcomes = await Promise.all(
          Array.from({ length: racers }, async (_, index) => {
            const answer = await bucket.put(key, text(`by ${index}`), { ...JSON_TYPE, ...condition });
            return { index, outcome: answer.outcome };
          }),
        );
        const winners = outcomes.filter(({ outcome }) => outcome === 'written');
        expect(winners).toHaveLength(1);
        expect(await read(key)).toBe(`by ${winners[0]?.index}`);
      };
      await race(fresh, { ifNoneMatch: '*' });
      await race(swapped, { ifMatch });
    });

    it('lists the keys below a prefix, sorted, also a prefix within a name', async () => {
      const at = folder();
      for (const key of ['b/2', 'a', 'b/1', 'b', 'bc/1']) await put(`${at}/${key}`, key);
      expect(await bucket.list(`${at}/`)).toEqual(
        ['a', 'b', 'b/1', 'b/2', 'bc/1'].map(key => `${at}/${key}`),
      );
      expect(await bucket.list(`${at}/b/`)).toEqual([`${at}/b/1`, `${at}/b/2`]);
      expect(await bucket.list(`${at}/b`)).toHaveLength(4);
      expect(await bucket.list(`${folder()}/`)).toEqual([]);
    });

    it('deletes, and is content when there is nothing to delete', async () => {
      const key = `${folder()}/x`;
      await put(key, 'one');
      await bucket.delete(key);
      await bucket.delete(key);
      expect(await bucket.get(key)).toEqual({ found: false });
      expect(await bucket.list(key)).toEqual([]);
    });

    it('refuses keys that could leave the bucket or mean two files', async () => {
      for (const key of ['', '/x', 'a//b', '../x', 'a/../b', 'a/./b', 'a\\b', 'a\0b', 'a~', 'ä', 'a/'])
        await expect(bucket.put(key, text('x'), JSON_TYPE)).rejects.toMatchObject({ kind: 'bad_request' });
    });
  });
}

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../shared/ports/bucket.ts';
import type { UploadPlace, Uploads } from '../../shared/ports/uploads.ts';

export interface UploadsUnderTest {
  uploads: Uploads;
  bucket: Bucket;
  now: () => Date;
  /** False for an endpoint that looks at no signature: it takes whatever is put. */
  enforces: boolean;
  stop(): Promise<void>;
}

export function uploadsContract(name: string, open: () => Promise<UploadsUnderTest>): void {
  describe(`uploads: ${name}`, () => {
    let under: UploadsUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    const freshKey = (): string => `uploads/${randomBytes(12).toString('hex')}`;
    const place = (key: string, body: Uint8Array) =>
      under.uploads.place(key, { size: body.length, contentType: 'application/json' });
    const put = async (
      { url, method, headers }: UploadPlace,
      body: Uint8Array,
      more: Record<string, string> = {},
    ): Promise<number> => {
      const { 'content-length': _, ...kept } = headers;
      const response = await fetch(url, { method, headers: { ...kept, ...more }, body: Buffer.from(body) });
      await response.arrayBuffer();
      return response.status;
    };
    const stored = async (key: string): Promise<Buffer | undefined> => {
      const found = await under.bucket.get(key);
      return found.found && found.modified ? Buffer.from(found.body) : undefined;
    };

    it('takes what was announced, and again when the answer was lost', async () => {
      const key = freshKey();
      const body = randomBytes(100_000);
      const given = await place(key, body);
      expect(given.headers['content-length']).toBe(String(body.length));
      expect(Date.parse(given.expiration)).toBeGreaterThan(under.now().getTime());
      expect([await put(given, body), await put(given, body)]).toEqual([200, 200]);
      expect(await stored(key)).toEqual(body);
    });

    it('takes nothing of another size or type, nothing under another key, and nothing with a changed signature', async () => {
      if (!under.enforces) return;
      const key = freshKey();
      const body = randomBytes(1000);
      const given = await place(key, body);
      expect(await put(given, body.subarray(1))).toBe(403);
      expect(await put(given, body, { 'content-type': 'text/html' })).toBe(403);
      const other = freshKey();
      expect(await put({ ...given, url: given.url.replace(key, other) }, body)).toBe(403);
      expect(await put({ ...given, url: `${given.url.slice(0, -4)}AAAA` }, body)).toBe(403);
      expect([await stored(key), await stored(other)]).toEqual([undefined, undefined]);
    });

    it('gives no place beside the uploads', async () => {
      for (const key of ['bundles/x', 'uploads', 'uploads/../bundles/x', '/uploads/x']) {
        await expect(place(key, randomBytes(1))).rejects.toMatchObject({ kind: 'bad_request' });
      }
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BundleAccess, BundleCredentials } from '../../shared/ports/bundle-access.ts';
import { nextID } from '../make/objects.ts';

export interface BundleAccessUnderTest {
  access: BundleAccess;
  /** Time that the grants are measured from. */
  now(): Date;
  /** Reads a key with the credentials, as an enforcer does. */
  mayRead(credentials: BundleCredentials, key: string): Promise<boolean>;
  /** False where the endpoint takes every request for allowed; then nothing can be said about refusals. */
  enforces: boolean;
  stop(): Promise<void>;
}

export function bundleAccessContract(name: string, open: () => Promise<BundleAccessUnderTest>): void {
  describe(`bundle access: ${name}`, () => {
    let under: BundleAccessUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    it('gives credentials for about an hour and the URL of the folder', async () => {
      const id = nextID();
      const credentials = await under.access.grant(id, 'enforcer-1');
      const minutes = (Date.parse(credentials.expiration) - under.now().getTime()) / 60_000;
      expect(minutes).toBeGreaterThan(50);
      expect(minutes).toBeLessThan(70);
      expect(credentials.url).toMatch(new RegExp(`^https?://[^ ]+/bundles/${id}$`));
      expect(credentials.accessKeyID).not.toBe('');
      expect(credentials.secretAccessKey).not.toBe('');
      expect(credentials.sessionToken).not.toBe('');
    });

    it('lets the holder read its own prefix', async () => {
      const id = nextID();
      const credentials = await under.access.grant(id, 'enforcer-1');
      expect(await under.mayRead(credentials, `bundles/${id}/metadata/timestamp.json`)).toBe(true);
    });

    it('lets the holder read nothing else', async context => {
      if (!under.enforces) context.skip('this endpoint does not check policies');
      const [id, other] = [nextID(), nextID()];
      const credentials = await under.access.grant(id, 'enforcer-1');
      for (const key of [
        `bundles/${other}/metadata/timestamp.json`,
        `bundles/${id}`,
        'root/1.root.json',
        'bundles/',
      ])
        expect(await under.mayRead(credentials, key)).toBe(false);
    });

    it('takes a subject of any length and any characters', async () => {
      const subject = `e n/f:"\\ ü${'x'.repeat(300)}`;
      await expect(under.access.grant(nextID(), subject)).resolves.toHaveProperty('sessionToken');
    });
  });
}

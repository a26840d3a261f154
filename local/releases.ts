import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from '../shared/ports/bucket.ts';
import { RELEASES } from '../shared/schema/enforcerrelease.ts';

/** Puts the files of a folder where agents look for the files of releases. Which of them count, the catalogue says. */
export async function putReleases(folder: string, bucket: Bucket): Promise<void> {
  const files = (await readdir(folder, { withFileTypes: true })).filter(entry => entry.isFile());
  for (const { name } of files) {
    const body = await readFile(join(folder, name));
    const digest = createHash('sha256').update(body).digest('hex');
    await bucket.put(`${RELEASES}targets/${digest}.${name}`, body, {
      contentType: 'application/octet-stream',
    });
  }
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImportReport } from '../../../shared/api/messages.ts';
import { contentOf, imported, quickPlane } from '../../make/importing.ts';
import type { Plane } from '../../make/plane.ts';
import { type RandomImport, randomImport } from '../../make/random-import.ts';

/** Imports a file by request and through the bucket, each into a tenant of its own, and holds one against the other. */
async function bothWays(
  plane: Plane,
  [small, large]: readonly [string, string],
  { data, label, mode, deleteMissing, override }: RandomImport,
): Promise<'succeeded' | 'refused'> {
  const { root } = plane;
  const body = { data: { ...data, label }, mode, deleteMissing };
  const rehearsed = await root(`POST /import?dryRun${override ? '&override' : ''}`, small, { body });
  const spec = { label, mode, deleteMissing, override };
  const ended = await imported(plane, root, large, mode === 'Remove' ? undefined : data, spec);
  if (ended.status !== 'Succeeded') {
    // All of it is looked at first, so it is as a dry run that is refused: nothing was done.
    expect(ended.status, ended.reason).toBe('Refused');
    expect(rehearsed.status, `${ended.reason} but ${rehearsed.text}`).toBeGreaterThanOrEqual(400);
    return 'refused';
  }
  const answered = await root(`POST /import${override ? '?override=true' : ''}`, small, { body });
  expect(answered.status, answered.text).toBe(200);
  const { created, updated, unchanged, removed } = ImportReport.parse(JSON.parse(answered.text));
  expect(ended).toMatchObject({ created, updated, unchanged, removed });
  return 'succeeded';
}

/** Chance alone need not bring one. */
const REFUSED: RandomImport = {
  data: {
    APIVersion: 1,
    identities: [],
    data: { externalnetworks: [{ name: 'bad', entries: ['10.0.0.0/33'] }] },
  },
  label: 'one',
  mode: 'Import',
  deleteMissing: false,
  override: false,
};

describe('an import through the bucket', () => {
  it('comes to the same as an import by request, for any files, one upon another', async () => {
    const ends = { succeeded: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(randomImport, { minLength: 1, maxLength: 3 }), async files => {
        const plane = await quickPlane();
        try {
          const tenants = [await plane.tenant(), await plane.tenant()] as const;
          for (const file of files) {
            ends[await bothWays(plane, tenants, file)] += 1;
            const [small, large] = [await contentOf(plane, tenants[0]), await contentOf(plane, tenants[1])];
            expect(large).toEqual(small);
          }
        } finally {
          await plane.stop();
        }
      }),
      // Time to look for a smaller example and to tell it, before the test is cut off.
      {
        numRuns: 15,
        examples: [[[REFUSED]]],
        interruptAfterTimeLimit: 60_000,
        markInterruptAsFailure: true,
      },
    );
    expect(Math.min(ends.succeeded, ends.refused)).toBeGreaterThan(0);
    console.info(`${ends.succeeded} imports the same both ways, ${ends.refused} refused both ways`);
  }, 120_000);
});

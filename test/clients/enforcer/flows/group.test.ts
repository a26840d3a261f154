import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../../clients/enforcer/clock.ts';
import { freeGroup, groupsIn } from '../../../../clients/enforcer/flows/group.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'enforcer-group-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As Linux 6.18 prints them. */
const READERS =
  '    5   7728     0 2 65531    100  1\n    6   7729     0 2 65531    100  1\n   17    12     0 2 65531    100  1\n';

test('groups that somebody reads are those of the kernel’s list', () => {
  expect(groupsIn(READERS)).toEqual(new Set([5, 6, 17]));
  expect(groupsIn('')).toEqual(new Set());
});

test('takes the next group that nobody reads, and the usual one where nobody can say', async () => {
  writeFileSync(join(folder, 'readers'), READERS);
  expect(await freeGroup(folder, systemClock, join(folder, 'readers'))).toBe(7);
  expect(await freeGroup(folder, systemClock, join(folder, 'absent'))).toBe(5);
});

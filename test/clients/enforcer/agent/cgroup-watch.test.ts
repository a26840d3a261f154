import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CgroupWatch } from '../../../../clients/enforcer/agent/cgroup-watch.ts';

let root = '';
let calls = 0;
let cgroups: CgroupWatch;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'enforcer-cgroups-'));
  calls = 0;
  cgroups = new CgroupWatch(() => {
    calls++;
  }, root);
});
afterEach(() => {
  cgroups.close();
  rmSync(root, { recursive: true, force: true });
});

/** Whether it is called about what is done; whatever was told before is forgotten. */
async function tells(what: () => void): Promise<boolean> {
  await wait(50);
  calls = 0;
  what();
  for (let tries = 0; tries < 100 && calls === 0; tries++) await wait(5);
  return calls > 0;
}

test('groups that come and go are told at once, and so are those of a parent that comes and goes', async () => {
  const [slice, service] = [join(root, 'a.slice'), join(root, 'a.slice/b.service')];
  cgroups.follow(['a.slice/b.service']);
  for (const _ of [1, 2]) {
    expect(await tells(() => mkdirSync(slice))).toBe(true);
    expect(await tells(() => mkdirSync(service))).toBe(true);
    expect(await tells(() => rmSync(service, { recursive: true }))).toBe(true);
    expect(await tells(() => rmSync(slice, { recursive: true }))).toBe(true);
  }
  expect(await tells(() => mkdirSync(service, { recursive: true }))).toBe(true);
});

test('what is not followed any more is not told, nor what is written to a group', async () => {
  mkdirSync(join(root, 'a.slice/b.service'), { recursive: true });
  cgroups.follow(['a.slice/b.service']);
  expect(await tells(() => writeFileSync(join(root, 'a.slice/b.service/cgroup.procs'), '1'))).toBe(false);
  cgroups.follow([]);
  expect(await tells(() => rmSync(join(root, 'a.slice/b.service'), { recursive: true }))).toBe(false);
});

test('where nothing can be watched nobody is told, and nothing breaks', () => {
  const nowhere = new CgroupWatch(() => undefined, join(root, 'absent'));
  expect(() => nowhere.follow(['a.slice/b.service', 'c.service'])).not.toThrow();
  nowhere.close();
});

import { afterEach, beforeEach, expect, test } from 'vitest';
import { absentWarnings, cgroupAt, located } from '../../../../clients/enforcer/agent/cgroups.ts';
import type { KnownUnit } from '../../../../clients/enforcer/agent/host-policy.ts';
import type { FoundUnit } from '../../../../clients/enforcer/agent/units.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const PATH = 'system.slice/nginx.service';
const NGINX: FoundUnit = {
  localID: 'file:nginx',
  name: 'nginx',
  type: 'LinuxService',
  tags: ['app=web' as FoundUnit['tags'][number]],
  addresses: [],
  cgroup: PATH,
};

test('a service that does not run keeps no policy from holding; its rules come, change and go with its control group', async () => {
  const groups = new Map<string, string>();
  stage.units.push(NGINX);
  const { agent } = stage.start({ cgroupAt: path => groups.get(path) });
  const ruled = (): (string | undefined)[] =>
    stage.plane.holds?.units.filter(({ isHost }) => !isHost).map(({ cgroupID }) => cgroupID) ?? [];
  const warned = (): boolean =>
    agent.status.active?.warnings.some(text => text.includes(PATH) && text.includes('nginx')) ?? false;

  await stage.until('the policy', () => agent.status.active?.units === 2);
  expect([ruled(), warned()]).toEqual([[], true]);
  groups.set(PATH, '1');
  await stage.until('rules of the service', () => ruled()[0] === '1', 200);
  expect(warned()).toBe(false);
  // Started again: another control group of that name. The control plane is not needed for it.
  await stage.leave();
  groups.set(PATH, '2');
  await stage.until('rules of the new one', () => ruled()[0] === '2', 200);
  groups.delete(PATH);
  await stage.until('no rules', () => ruled().length === 0, 200);
  expect(warned()).toBe(true);
  await stage.comeBack();
});

test('a control group is told from another of its name, and what is none is not there', () => {
  expect(cgroupAt('absent.slice/none.service')).toBeUndefined();
  const unit = { ...NGINX, cgroupID: 'old' } as KnownUnit;
  expect(located([unit], () => 'new')).toMatchObject([{ cgroupID: 'new' }]);
  expect(located([unit], () => undefined)[0]).not.toHaveProperty('cgroupID');
});

test.each([
  [true, /nginx.*system.slice\/nginx.service.*when its service is started/],
  [false, /nginx.*not of version 2.*boot with systemd.unified_cgroup_hierarchy=1/],
])('a warning names unit and control group, and the remedy; version 2 is there: %s', (isThere, words) => {
  expect(absentWarnings([NGINX as KnownUnit], () => isThere)).toEqual([expect.stringMatching(words)]);
  expect(absentWarnings([{ ...NGINX, cgroupID: '1' } as KnownUnit], () => isThere)).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import { touch } from '../../../shared/core/object.ts';
import type { BusEvent } from '../../../shared/schema/event.ts';
import { NEW } from '../../make/fleet.ts';
import { type Play, play, statesOf } from './play.ts';

const moments = (events: readonly BusEvent[]): unknown[] =>
  events.map(({ detail }) => ('moment' in detail ? detail.moment : undefined));

describe('pause, resume and abort', () => {
  const ask = async (upgrade: Play, wanted: 'Run' | 'Pause' | 'Abort') => {
    const before = await upgrade.standing();
    const object = touch('enforcerupgrade', { ...before, wanted }, upgrade.time.now());
    await upgrade.store.commit([
      { kind: 'update', resource: 'enforcerupgrade', object, seen: before.updateTime },
    ]);
    return before;
  };

  const pause = async (played: Play, fleet: ReturnType<typeof played.open>) => {
    await fleet.deliver();
    await ask(played, 'Pause');
    await fleet.settle();
    // What met the asking is tried again; then the agents have told by the first look.
    for (const seconds of [1, 5]) {
      played.time.advance(seconds * 1000);
      await fleet.settle();
    }
    expect((await played.standing()).status).toBe('Paused');
  };

  it('wait before the next wave, for as long as it takes', async () => {
    const played = await play({ hosts: 5 });
    const fleet = played.open();
    await pause(played, fleet);
    played.time.advance(5 * 24 * 3600_000);
    await fleet.settle();
    expect(statesOf(await played.outcome())).toEqual(Array(5).fill('Pending 1.0.0'));
    const { pauseToken } = await ask(played, 'Run');
    await fleet.workflows.sendTaskSuccess(pauseToken, {});
    await fleet.finish();
    expect((await played.outcome()).status).toBe('Succeeded');
    expect(moments(fleet.events)).toEqual([
      ...['started', 'paused', 'resumed'],
      ...Array(3).fill(['waveBegun', 'waveEnded']).flat(),
      'ended',
    ]);
  });

  it('end what has begun, and leave the rest alone', async () => {
    const played = await play({ hosts: 5, spec: { canary: 2, waves: 1 } });
    const fleet = played.open();
    await fleet.settle();
    // The agents have told, it begins, and stands before its soak.
    played.time.next();
    await fleet.settle();
    played.time.next();
    await fleet.settle();
    await ask(played, 'Abort');
    await fleet.finish();
    const result = await played.outcome();
    expect(result.status).toBe('Aborted');
    expect(statesOf(result)).toEqual([
      ...Array(2).fill(`Upgraded ${NEW}`),
      ...Array(3).fill('Skipped 1.0.0'),
    ]);
    expect(result.hosts[4]?.why).toBe('the upgrade was aborted before it came to it');
    const { items } = await played.store.list('enforcer', played.tenant, { limit: 10 });
    expect(items.map(({ migrationStatus }) => migrationStatus)).toEqual(Array(5).fill('None'));
    expect(moments(fleet.events)).toEqual(['started', 'waveBegun', 'waveEnded', 'aborted']);
  });

  it('that ends a pause is told once', async () => {
    const played = await play({ hosts: 2 });
    const fleet = played.open();
    await pause(played, fleet);
    const { pauseToken } = await ask(played, 'Abort');
    await fleet.workflows.sendTaskSuccess(pauseToken, {});
    await fleet.finish();
    expect((await played.standing()).status).toBe('Aborted');
    expect(moments(fleet.events)).toEqual(['started', 'paused', 'aborted']);
  });

  it('leave hosts that were not come to free for another upgrade, however many they are', async () => {
    const played = await play({ hosts: 250, spec: { canary: 1, waves: 1 } });
    const fleet = played.open();
    await fleet.settle();
    await ask(played, 'Abort');
    await fleet.finish();
    const result = await played.outcome();
    expect(new Set(statesOf(result))).toEqual(new Set(['Skipped 1.0.0']));
  });
});

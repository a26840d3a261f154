import { describe, expect, it } from 'vitest';
import { callDue } from '../../shared/core/runner-call.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { Migration } from '../../shared/schema/migration.ts';
import { make, nextID } from '../make/objects.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const secondsAgo = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString();

/** A host whose directive was given out ten seconds ago. */
function host(more: (directive: string) => object, unreachable = false): Enforcer {
  const id = nextID();
  const task = {
    ...{ id, kind: 'install', mode: 'keep-rules', probes: [], version: '2.0.0' },
    deadline: secondsAgo(-600),
  };
  const upgrade = { upgrade: nextID(), batch: 0, state: 'Installing', from: '1.0.0', to: '2.0.0' };
  const migration = Migration.parse({ ...upgrade, task, directed: secondsAgo(10), ...more(id) });
  const enforcer = make('enforcer', NamespacePath.parse('/acme'), { name: 'web', FQDN: 'web.test' });
  return { ...enforcer, unreachable, migration };
}
const calls = (directive: string, times: number, seconds: number) => ({
  calls: { directive, times, at: secondsAgo(seconds), problem: '' },
});

describe('the runner of a host is called', () => {
  it.each([
    ['two minutes after its directive, where it was heard of', host(() => ({})), 110],
    ['at once where it was not heard of for long', host(() => ({}), true), 0],
    [
      'after two minutes where a runner took up the directive before: it is still at work',
      host(() => ({ taken: nextID() }), true),
      110,
    ],
    ['never where the directive was taken up', host(id => ({ taken: id }), true), undefined],
    ['again after five minutes', host(id => calls(id, 1, 100), true), 200],
    ['not more than three times', host(id => calls(id, 3, 1000), true), undefined],
    ['anew for another directive', host(() => calls(nextID(), 3, 1000)), 110],
  ])('%s', (_, enforcer, seconds) => {
    expect(callDue(enforcer, NOW)).toBe(seconds);
  });
});

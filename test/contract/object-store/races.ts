import { describe, expect, it } from 'vitest';
import { childPath } from '../../../shared/schema/ids.ts';
import { create, makeNamespace, makeNetwork } from '../../make/objects.ts';
import { type Given, later, toolsFor } from './given.ts';

export function races(given: Given): void {
  const { plant } = toolsFor(given);

  describe('races', () => {
    it('lets one of many creates of a name win; the others are duplicates', async () => {
      const tenant = await plant();
      const path = childPath(tenant, 'a');
      const kinds = await Promise.all(
        Array.from({ length: 30 }, () =>
          given.store.commit([create('namespace', makeNamespace(path))]).then(
            () => 'made',
            error => error.kind,
          ),
        ),
      );
      expect(kinds.sort()).toEqual([...Array.from({ length: 29 }, () => 'duplicate'), 'made']);
      expect((await given.store.list('namespace', tenant, { limit: 9 })).items).toHaveLength(1);
    });

    it('lets one of many transactions that take a name win whole: of the others nothing is done', async () => {
      const tenant = await plant();
      const networks = Array.from({ length: 20 }, (_, index) => makeNetwork(tenant, `n${index}`));
      await given.store.commit(networks.map(network => create('externalnetwork', network)));
      const path = childPath(tenant, 'a');
      const kinds = await Promise.all(
        networks.map(network => {
          const object = later(network, 'changed');
          return given.store
            .commit([
              { kind: 'update', resource: 'externalnetwork', object, seen: network.updateTime },
              create('namespace', makeNamespace(path)),
            ])
            .then(
              () => 'made',
              error => error.kind,
            );
        }),
      );
      expect(kinds.toSorted()).toEqual([...Array.from({ length: 19 }, () => 'duplicate'), 'made']);
      const { items } = await given.store.list('externalnetwork', tenant, { limit: 99 });
      const changed = items.filter(({ description }) => description === 'changed');
      expect(changed.map(({ ID }) => ID)).toEqual([networks[kinds.indexOf('made')]?.ID]);
    });

    it('lets one of many updates of a version win; the others are conflicts', async () => {
      const tenant = await plant();
      const network = makeNetwork(tenant, 'n');
      await given.store.commit([create('externalnetwork', network)]);
      const kinds = await Promise.all(
        Array.from({ length: 30 }, (_, index) => {
          const object = later(network, `by ${index}`);
          return given.store
            .commit([{ kind: 'update', resource: 'externalnetwork', object, seen: network.updateTime }])
            .then(
              () => 'written',
              error => error.kind,
            );
        }),
      );
      expect(kinds.sort()).toEqual([...Array.from({ length: 29 }, () => 'conflict'), 'written']);
    });
  });
}

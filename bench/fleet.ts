import { markLost } from '../functions/events/lost-enforcers.ts';
import { mappingChanged } from '../functions/events/mapping-changed.ts';
import { moveUnits } from '../functions/tasks/move-units.ts';
import { pagesOf } from '../functions/walk.ts';
import { childPath } from '../shared/schema/ids.ts';
import { emptyTenant, unitCrowd } from '../test/make/crowd.ts';
import { create, make, makeAuthorization, makeEnforcer, makeNamespace } from '../test/make/objects.ts';
import { openPlane, type Plane } from '../test/make/plane.ts';
import { type Bench, grouped, type Row } from './row.ts';
import { timed, typical } from './timing.ts';

const HOSTS = 25_000;
const UNITS = 100_000;
const AUTHORIZATIONS = 1000;
const ROUNDS = 50;

/** A round among hosts that all poke, beside reading them all, which it did before. */
async function lost({ deps }: Plane): Promise<Row> {
  const tenant = await emptyTenant(deps.store);
  const now = deps.clock.now().getTime();
  const enforcers = Array.from({ length: HOSTS }, (_, at) => ({
    ...makeEnforcer(tenant, `host-${at}`, `machine-${at}`),
    operationalStatus: 'Connected' as const,
    lastPokeTime: new Date(now - Math.floor((at * 90_000) / HOSTS)).toISOString(),
  }));
  for (let from = 0; from < HOSTS; from += 50) {
    await deps.store.commit(enforcers.slice(from, from + 50).map(each => create('enforcer', each)));
  }
  const all = await timed(async () => {
    for await (const _ of pagesOf(deps.store, 'enforcer', tenant, false));
  });
  return {
    name: `round that looks for lost enforcers among ${grouped(HOSTS)} that poke`,
    value: await typical(ROUNDS, () => markLost(deps)),
    unit: 'ms',
    peer: { value: all, unit: 'ms', what: 'reading all of them' },
  };
}

/** All units of a namespace moved by a new mapping, call by call. */
async function moved({ deps }: Plane): Promise<Row[]> {
  const tenant = await emptyTenant(deps.store);
  // Half of them begin in the namespace itself.
  await unitCrowd(deps.store, tenant, 2 * UNITS);
  await deps.store.commit([create('namespace', makeNamespace(childPath(tenant, 'there')))]);
  const subject = [['$identity=processingunit']];
  const policy = make('namespacemappingpolicy', tenant, { name: 'm', subject, mappedNamespace: 'there' });
  await deps.store.commit([create('namespacemappingpolicy', policy)]);
  const workflows = { ...deps.workflows, start: async () => ({ started: true }) };
  const told = await timed(() =>
    mappingChanged([{ resource: 'namespacemappingpolicy', operation: 'create', after: policy }], {
      ...deps,
      workflows,
    }),
  );
  const calls: number[] = [];
  let count = 0;
  let after = '';
  do {
    calls.push(
      await timed(async () => {
        const part = await moveUnits({ execution: 'bench', namespace: tenant, after }, deps);
        after = part.after;
        count += part.moved;
      }),
    );
  } while (after !== '');
  if (count !== UNITS) throw new Error(`${count} units were moved, of ${UNITS}`);
  const what = `${grouped(UNITS)} units moved by a changed mapping`;
  return [
    { name: `${what}, ${calls.length} calls`, value: calls.reduce((a, b) => a + b) / 1000, unit: 's' },
    {
      name: `${what}, the longest call`,
      value: Math.max(...calls) / 1000,
      unit: 's',
      peer: { value: 30, unit: 's', what: 'the time that a call has' },
    },
    { name: `${what}, while other changes wait`, value: told, unit: 'ms' },
  ];
}

/** A request in a namespace with so many authorizations, beside one without. */
async function authorized(plane: Plane): Promise<Row> {
  const { store } = plane.deps;
  const medianWith = async (authorizations: number): Promise<number> => {
    const tenant = await emptyTenant(store);
    for (let from = 0; from < authorizations; from += 25) {
      const some = Array.from({ length: 25 }, (_, at) =>
        makeAuthorization(tenant, `team ${from + at}`, [['@auth:realm=oidc', `@auth:group=${from + at}`]]),
      );
      await store.commit(some.map(each => create('apiauthorizationpolicy', each)));
    }
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    return typical(ROUNDS, async () => {
      const { status, text } = await viewer('GET /externalnetworks?limit=1', tenant);
      if (status !== 200) throw new Error(text);
    });
  };
  const [none, many] = [await medianWith(0), await medianWith(AUTHORIZATIONS)];
  return {
    name: `request in a namespace with ${grouped(AUTHORIZATIONS)} API authorizations`,
    value: many,
    unit: 'ms',
    peer: { value: none, unit: 'ms', what: 'in one without' },
  };
}

/** What thousands of hosts ask of the control plane beside their requests, and what a tenant of theirs costs a request. */
export const bench: Bench = {
  name: 'fleet',
  run: async () => {
    const plane = await openPlane();
    try {
      return [await lost(plane), ...(await moved(plane)), await authorized(plane)];
    } finally {
      await plane.stop();
    }
  },
};

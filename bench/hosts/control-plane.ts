import { createInterface } from 'node:readline';
import { startControlPlane } from '../../local/control-plane.ts';
import type { Stored, Write } from '../../shared/ports/object-store.ts';
import { LIMITS } from '../../shared/schema/config.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { create, make, makeNamespace } from '../../test/make/objects.ts';
import { addressOf, ruleOf, SUBJECT } from './fixture.ts';

/**
 * A control plane in a process of its own, whose hosts have so many rulesets and whose tenant so many processing units:
 * `control-plane.ts <folder> <address> <units> <rulesets>`. It prints a line once all of them are there; each line on its
 * standard input is another address for another unit.
 */
const [data = '', host = '', units = '', rulesets = ''] = process.argv.slice(2);
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const plane = await startControlPlane({ data, host, port: 0, log: SILENT });
const { store } = plane.deps;
const pathOf = (text: string) => NamespacePath.parse(text);
const hosts = pathOf('/bench/hosts');

function* rulesetsOf(count: number): Generator<Write> {
  for (let at = 0; at < count; at++) {
    const rules = [ruleOf(at)];
    const input = { name: `ruleset-${at}`, subject: SUBJECT, incomingRules: rules, outgoingRules: rules };
    yield create('networkrulesetpolicy', make('networkrulesetpolicy', hosts, input));
  }
}

/** Units that get other addresses. */
const movable: Stored<'processingunit'>[] = [];
const EVERY = 1000;

/** Elsewhere in the tenant: rules name them by their tags. */
function* unitsOf(count: number, kinds: number): Generator<Write> {
  for (let at = 0; at < count; at++) {
    const what = { addresses: [addressOf(at)], associatedTags: [`svc=${at % kinds}`] };
    const unit = make('processingunit', pathOf('/bench/units'), {
      ...{ name: `unit-${at}`, type: 'Docker' },
      ...what,
    });
    if (at % EVERY === 0) movable.push(unit);
    yield create('processingunit', unit);
  }
}

async function fill(writes: Iterable<Write>): Promise<void> {
  let batch: Write[] = [];
  for (const write of writes) {
    if (batch.push(write) < LIMITS.transaction / 4) continue;
    await store.commit(batch);
    batch = [];
  }
  if (batch.length > 0) await store.commit(batch);
}

for (const path of ['/bench', '/bench/hosts', '/bench/units'])
  await store.commit([create('namespace', makeNamespace(pathOf(path)))]);
await fill(rulesetsOf(Number(rulesets)));
await fill(unitsOf(Number(units), Number(rulesets)));
await plane.settled();
createInterface({ input: process.stdin }).on('line', async address => {
  const before = movable.pop();
  if (!before) throw new Error('no unit is left to move');
  const object = { ...before, addresses: [address], updateTime: new Date().toISOString() };
  await store.commit([{ kind: 'update', resource: 'processingunit', object, seen: before.updateTime }]);
});
process.stdout.write('ready\n');

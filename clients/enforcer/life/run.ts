import { join } from 'node:path';
import type { AgentClient } from '../../../shared/api/agent-client.ts';
import type { Credential } from '../../../shared/schema/appcredential.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { collect } from '../../host/collect.ts';
import { reach } from '../../host/reach.ts';
import { Agent } from '../agent/agent.ts';
import { type Cloud, findCloud, noCloud } from '../agent/cloud.ts';
import type { Description } from '../agent/description.ts';
import { enroll } from '../agent/enroll.ts';
import { fqdn } from '../agent/fqdn.ts';
import { addresses, isCloudMachine, machineID } from '../agent/host.ts';
import { loop, messageOf } from '../agent/loop.ts';
import type { Order } from '../agent/orders.ts';
import { ownHost } from '../agent/own-host.ts';
import { provenInstance } from '../agent/proven-instance.ts';
import { cloudClient, credentialClient } from '../agent/session.ts';
import { type FoundUnit, hostUnit, readUnits, remaining } from '../agent/units.ts';
import { Claim } from '../claim.ts';
import type { Clock } from '../clock.ts';
import { introduce } from '../connections/introduce.ts';
import { introducing } from '../connections/introducing.ts';
import type { DataPlane } from '../data-plane.ts';
import { makeFolder, writeWhole } from '../files.ts';
import { CONNTRACK, FlowLog } from '../flows/flows.ts';
import { freeGroup, NOTICED } from '../flows/group.ts';
import type { LogRecord } from '../flows/record.ts';
import { sendFlows } from '../flows/send.ts';
import { type Log, openLog } from '../log.ts';
import { Names } from '../names/names.ts';
import { Overheard } from '../names/overheard.ts';
import { connectedAddresses, dnsResolve } from '../names/system.ts';
import { openDataPlane } from '../nft/plane.ts';
import type { Machine } from '../register.ts';
import { takeOver } from '../runner/hand-over.ts';
import { prefixOf, writeOrder } from '../runner/job.ts';
import { endStrays } from '../strays.ts';
import { VERSION } from '../version.ts';
import { enforcingHere } from './agent-process.ts';
import { refuseForeign } from './held.ts';
import { NO_PROXIES, type Proxies } from './proxies.ts';
import { risksOf } from './risks.ts';
import { hasSystemd } from './service.ts';
import type { RunSettings } from './settings.ts';
import { claimSysctls, restoreSysctls } from './sysctls.ts';

/** What the program has from outside. */
export interface Outside {
  out: (text: string) => void;
  isRoot: boolean;
  clock: Clock;
  /** Calls back whenever the agent is to look at everything again. */
  onHangup: (look: () => void) => void;
  proxies?: Proxies;
  /** How this program is started. */
  self: readonly string[];
}

const REGISTER = { interval: 1000, longest: 60_000 };

interface Connected {
  api: string;
  client: AgentClient;
  /** Absent: the cloud proves who this host is. */
  credential?: Credential;
}

/** Trades the token until it succeeds: the network may not be up yet. */
async function enrolled(
  { how, folder }: RunSettings & { how: { mode: 'token' } },
  machine: Machine,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<Connected | undefined> {
  const done = new AbortController();
  let connected: Connected | undefined;
  let told = '';
  await loop(
    async () => {
      const credential = await enroll(how.api, how.token, machine, folder);
      writeWhole(join(folder, 'default.creds'), `${JSON.stringify(credential, undefined, 2)}\n`);
      connected = { api: how.api, client: credentialClient(credential, clock), credential };
      done.abort();
    },
    {
      ...REGISTER,
      clock,
      signal: AbortSignal.any([signal, done.signal]),
      failed: error => {
        const words = `the install token was not traded, and is tried again: ${messageOf(error)}`;
        if (words !== told) log.warn({}, words);
        told = words;
      },
    },
  );
  return connected;
}

async function connect(
  settings: RunSettings,
  machine: Machine,
  cloud: Cloud | undefined,
  ends: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<Connected | undefined> {
  const { how } = settings;
  if (how.mode === 'appcred') {
    const { credential } = how;
    return { api: credential.APIURL, client: credentialClient(credential, ends.clock), credential };
  }
  if (how.mode === 'token') return enrolled({ ...settings, how }, machine, ends);
  if (!cloud) throw noCloud();
  return { api: how.api, client: cloudClient(how.api, cloud, ends.clock) };
}

/** Data plane and flow records, if this process may have them; says so if not. */
async function kernelSide(
  settings: RunSettings,
  { out, isRoot, clock }: Outside,
  log: Log,
): Promise<{ plane?: DataPlane; flows?: FlowLog; names?: Names }> {
  const { enforce, folder, flowInterval: interval, spoolLimit } = settings;
  if (!enforce || !isRoot) {
    out(`verifies bundles and enforces nothing: ${enforce ? 'this process is not root' : '--no-enforce'}\n`);
    return {};
  }
  const other = enforcingHere();
  if (other !== undefined)
    throw fail(
      'conflict',
      `an agent enforces here already, process ${other}; end it first (systemctl stop prisma-enforcer), or run this one with --no-enforce`,
    );
  if (endStrays() > 0) await clock.sleep(NOTICED);
  const place = join(folder, 'flows');
  const group = settings.logGroup ?? (await freeGroup(place, clock));
  const plane = introducing(openDataPlane({ logGroup: group }), which => introduce({ log, ...which }));
  const names = new Names({ clock, resolve: dnsResolve(), inUse: connectedAddresses() });
  if (!settings.flows || settings.once) return { plane, names };
  const endings = settings.connectionTotals ? CONNTRACK : undefined;
  try {
    if (endings) claimSysctls(folder);
    else restoreSysctls(folder);
  } catch (error) {
    log.warn({}, `settings of connection tracking stay as they are: ${messageOf(error)}`);
  }
  const dns = new Overheard({ clock, heard: (name, answers) => names.hear(name, answers) });
  const overheard = (record: LogRecord) => dns.take(record);
  const how = { plane, group, folder: place, spoolLimit, interval, clock, log, send: sendFlows, overheard };
  return { plane, names, flows: new FlowLog({ ...how, ...(endings ? { endings } : {}) }) };
}

/** What is told of this host. */
async function described(
  api: string,
  { cloud, clock, hasTried }: { cloud: Cloud | undefined; clock: Clock; hasTried: boolean },
): Promise<Description> {
  const [facts, reached, instance] = await Promise.all([
    collect(ownHost(hasTried)),
    reach(api, fetch, () => clock.now().getTime()),
    provenInstance(api, cloud, clock),
  ]);
  return { facts: { ...facts, ...reached }, ...instance };
}

/** Hands an order to a runner, and leaves the rest to it. */
const obeyIn =
  (
    prefix: string,
    { api, credential, self }: { api: string; credential: Credential | undefined; self: readonly string[] },
  ) =>
  async (order: Order): Promise<void> => {
    const given = credential === undefined ? {} : { credential };
    writeOrder(prefix, { ...order, ...given, api, version: VERSION, self: [...self], by: 'agent' });
    // systemd sees the order by itself, and may start what the agent may not.
    if (!hasSystemd(prefix)) await takeOver(prefix, self);
  };

/** Makes the folder, and refuses one into which others can write: they would say whom to trust, and what is overwritten. */
function claimFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw fail(
      'forbidden',
      `--state \`${folder}\` can't be made: ${error instanceof Error ? error.message : error}`,
    );
  }
  refuseForeign(folder);
}

/** Runs the agent until the signal. */
export async function run(settings: RunSettings, outside: Outside, signal: AbortSignal): Promise<void> {
  const { clock, out, proxies = NO_PROXIES } = outside;
  const { folder, name, namespace, tags, unitsFile } = settings;
  const log = openLog(settings.logLevel);
  for (const risk of risksOf(settings, proxies)) log.warn({}, risk);
  claimFolder(folder);
  const { plane, flows, names } = await kernelSide(settings, outside, log);
  // Elsewhere nobody answers, and the host would wait for nothing.
  const cloud = settings.how.mode === 'cloud' || (await isCloudMachine()) ? await findCloud() : undefined;
  const host = { name, fqdn: await fqdn(), tags: [...(cloud ? await cloud.tags() : []), ...tags] };
  const findUnits = async (): Promise<FoundUnit[]> => {
    const others = unitsFile === undefined ? [] : readUnits(unitsFile);
    return [hostUnit({ ...host, addresses: remaining(addresses(), others) }), ...others];
  };
  // A mistake in the file is told at the start, before anything else.
  await findUnits();
  const machine: Machine = {
    name,
    FQDN: host.fqdn,
    machineID: settings.machineID || (await machineID()) || name,
    associatedTags: tags,
    currentVersion: VERSION,
  };
  const connected = await connect(settings, machine, cloud, { clock, log, signal });
  if (!connected) return;
  const prefix = plane && prefixOf(folder);
  const { api, client, credential } = connected;
  const claim = new Claim();
  const agent = new Agent({
    api,
    client,
    ...(prefix === undefined ? {} : { obey: obeyIn(prefix, { api, credential, self: outside.self }) }),
    ...(proxies.areUsed ? { proxies: proxies.urls } : {}),
    namespace,
    machine,
    ...(credential === undefined ? {} : { credentialID: credential.ID }),
    root: settings.root,
    folder,
    ...(plane ? { plane } : {}),
    ...(flows ? { flows } : {}),
    ...(names ? { names } : {}),
    clock,
    log,
    say: text => out(`${text}\n`),
    findUnits,
    interval: settings.interval,
    layer3Only: settings.layer3Only,
    beforePolicy: settings.beforePolicy,
    once: settings.once,
    cloud: cloud !== undefined,
    ...(plane && !settings.once ? { others: () => claim.take() } : {}),
    describe: hasTried => described(api, { cloud, clock, hasTried }),
  });
  outside.onHangup(() => void agent.reload());
  await agent.run(signal);
}

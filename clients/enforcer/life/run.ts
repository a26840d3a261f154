import { join } from 'node:path';
import type { Client } from '../../../shared/api/client.ts';
import { Agent } from '../agent/agent.ts';
import { type Cloud, findCloud, noCloud } from '../agent/cloud.ts';
import { enroll } from '../agent/enroll.ts';
import { addresses, fqdn, isCloudMachine, machineID } from '../agent/host.ts';
import { loop } from '../agent/loop.ts';
import { cloudClient, credentialClient } from '../agent/session.ts';
import { type FoundUnit, hostUnit, readUnits } from '../agent/units.ts';
import type { Clock } from '../clock.ts';
import { type DataPlane, LOG_GROUP } from '../data-plane.ts';
import { makeFolder, writeWhole } from '../files.ts';
import { FlowLog } from '../flows/flows.ts';
import { sendFlows } from '../flows/send.ts';
import { type Log, openLog } from '../log.ts';
import { Names } from '../names/names.ts';
import { connectedAddresses, dnsResolve } from '../names/system.ts';
import { openDataPlane } from '../nft/plane.ts';
import type { Machine } from '../register.ts';
import { VERSION } from '../version.ts';
import type { RunSettings } from './settings.ts';
import { claimSysctls } from './sysctls.ts';

/** What the program has from outside. */
export interface Outside {
  out: (text: string) => void;
  isRoot: boolean;
  clock: Clock;
  /** Calls back whenever the agent is to look at everything again. */
  onHangup: (look: () => void) => void;
}

const REGISTER = { interval: 1000, longest: 60_000 };

interface Connected {
  api: string;
  client: Client;
}

/** Trades the token until it succeeds: the network may not be up yet. */
async function enrolled(
  { how, folder }: RunSettings & { how: { mode: 'token' } },
  machine: Machine,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<Connected | undefined> {
  const done = new AbortController();
  let connected: Connected | undefined;
  await loop(
    async () => {
      const credential = await enroll(how.api, how.token, machine, folder);
      writeWhole(join(folder, 'default.creds'), `${JSON.stringify(credential, undefined, 2)}\n`);
      connected = { api: how.api, client: credentialClient(credential, clock) };
      done.abort();
    },
    {
      ...REGISTER,
      clock,
      signal: AbortSignal.any([signal, done.signal]),
      failed: error =>
        log.warn({}, `the install token was not traded: ${error instanceof Error ? error.message : error}`),
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
  if (how.mode === 'appcred')
    return { api: how.credential.APIURL, client: credentialClient(how.credential, ends.clock) };
  if (how.mode === 'token') return enrolled({ ...settings, how }, machine, ends);
  if (!cloud) throw noCloud();
  return { api: how.api, client: cloudClient(how.api, cloud, ends.clock) };
}

/** The data plane, if this process may have one; says so if not. */
export function planeFor(
  { enforce }: Pick<RunSettings, 'enforce'>,
  { out, isRoot }: Outside,
): DataPlane | undefined {
  if (enforce && isRoot) return openDataPlane();
  const why = enforce ? 'this process is not root' : '--no-enforce';
  out(`verifies bundles and enforces nothing: ${why}\n`);
  return undefined;
}

function flowsFor(settings: RunSettings, plane: DataPlane, clock: Clock, log: Log): FlowLog {
  const { folder, flowInterval, logGroup, spoolLimit } = settings;
  return new FlowLog({
    plane,
    group: logGroup ?? LOG_GROUP,
    folder: join(folder, 'flows'),
    spoolLimit,
    interval: flowInterval,
    clock,
    log,
    send: sendFlows,
  });
}

/** Runs the agent until the signal. */
export async function run(settings: RunSettings, outside: Outside, signal: AbortSignal): Promise<void> {
  const { clock, out } = outside;
  const { folder, name, namespace, tags, unitsFile } = settings;
  const log = openLog(settings.logLevel);
  const plane = planeFor(settings, outside);
  makeFolder(folder);
  // Elsewhere nobody answers, and the host would wait for nothing.
  const cloud = settings.how.mode === 'cloud' || (await isCloudMachine()) ? await findCloud() : undefined;
  const host = { name, fqdn: await fqdn(), tags: [...(cloud ? await cloud.tags() : []), ...tags] };
  const findUnits = async (): Promise<FoundUnit[]> => [
    hostUnit({ ...host, addresses: addresses() }),
    ...(unitsFile === undefined ? [] : readUnits(unitsFile)),
  ];
  // A mistake in the file is told at the start, before anything else.
  await findUnits();
  const machine: Machine = {
    name,
    FQDN: host.fqdn,
    machineID: settings.machineID ?? (await machineID()) ?? name,
    associatedTags: tags,
    currentVersion: VERSION,
  };
  const connected = await connect(settings, machine, cloud, { clock, log, signal });
  if (!connected) return;
  const flows = plane && settings.flows && !settings.once ? flowsFor(settings, plane, clock, log) : undefined;
  if (flows) claimSysctls(folder);
  const agent = new Agent({
    ...connected,
    namespace,
    machine,
    root: settings.root,
    folder,
    ...(plane ? { plane } : {}),
    ...(flows ? { flows } : {}),
    ...(plane ? { names: new Names({ clock, resolve: dnsResolve(), inUse: connectedAddresses() }) } : {}),
    clock,
    log,
    say: text => out(`${text}\n`),
    findUnits,
    interval: settings.interval,
    layer3Only: settings.layer3Only,
    once: settings.once,
    cloud: cloud !== undefined,
  });
  outside.onHangup(() => void agent.reload());
  await agent.run(signal);
}

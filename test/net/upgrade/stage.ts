import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readStatus, type Status } from '../../../clients/enforcer/agent/status.ts';
import { runningAgent, runningAgents } from '../../../clients/enforcer/life/agent-process.ts';
import { PLACES } from '../../../clients/enforcer/life/unit-files.ts';
import { runnerName } from '../../../clients/enforcer/runner/job.ts';
import { bySetsid } from '../../../clients/enforcer/runner/places.ts';
import type { UpgradeStatus } from '../../../shared/api/client.ts';
import { ENDED } from '../../../shared/schema/enforcerupgrade.ts';
import { buildRelease, type ReleaseOptions } from '../../make/release.ts';
import { type Fleet, type Member, NAMESPACE, NODE, openFleet } from '../fleet.ts';
import { until } from '../until.ts';

/** Characters of what an agent said that are shown when something was waited for in vain. */
const LAST_WORDS = 2000;

/** Of each wave: longer than runners watch before they report. A minute in `npm run test:net:long`. */
export const SOAK = process.env.SOAK ?? '25s';

/** Of waves whose verdict needs nothing that runners report last. */
export const SHORT_SOAK = process.env.SOAK ?? '1s';

/** A host on which a release is installed, as on a machine of its own: everything of it lies below a folder. */
export interface Installed {
  name: string;
  prefix: string;
  /** What was there before anything was installed. */
  before: readonly string[];
  status(): Status | undefined;
  /** What its runner has written, while there is one. */
  log(): string;
  /** How its agent is, and the last that it said. */
  words(): string;
  isRunning(): Promise<boolean>;
  /** Waits until its runner has done all that it has to. */
  left(): Promise<true>;
}

export interface Stage {
  fleet: Fleet;
  hosts: readonly Installed[];
  /** Of the releases, in their order. */
  files: readonly string[];
  upgrade(spec: object): Promise<UpgradeStatus>;
  close(): Promise<void>;
}

type Release = Omit<ReleaseOptions, 'folder'>;

/** Every file below a folder with mode and content. */
export const filesBelow = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map(name => {
      const stat = lstatSync(join(root, name));
      const content = stat.isFile() ? readFileSync(join(root, name), 'base64') : '';
      return `${name} ${stat.mode.toString(8)} ${content}`;
    });

const SUDDEN = `{
  const fs = require('node:fs');
  const { syncBuiltinESMExports } = require('node:module');
  const { renameSync } = fs;
  const list = process.env.KILLS;
  const dies = what => {
    if (!list || !fs.existsSync(list)) return false;
    const due = fs.readFileSync(list, 'utf8').split('\\n').filter(Boolean);
    if (due[0] !== what) return false;
    fs.writeFileSync(list, due.slice(1).map(line => line + '\\n').join(''));
    return true;
  };
  fs.renameSync = (from, to) => {
    const isJournal = String(to).endsWith('/journal.json');
    const step = isJournal ? JSON.parse(fs.readFileSync(from, 'utf8')).step : '';
    if (isJournal && dies('before ' + step)) process.kill(process.pid, 'SIGKILL');
    renameSync(from, to);
    if (isJournal && dies('after ' + step)) process.kill(process.pid, 'SIGKILL');
  };
  syncBuiltinESMExports();
}`;

/** Its runner is killed with signal 9 before or after it notes a step, as the file that KILLS names lists them. */
export const mortal = (release: Release): Release => ({ ...release, first: SUDDEN });

/** Publishes the releases, and installs and starts the first of them on every host. */
export async function openStage(
  members: readonly Member[],
  releases: readonly Release[],
  { kills }: { kills?: (name: string) => string } = {},
): Promise<Stage> {
  const built = mkdtempSync(join(tmpdir(), 'enforcer-releases-'));
  const files: string[] = [];
  for (const release of releases) files.push(await buildRelease({ ...release, folder: built }));
  const fleet = await openFleet(members, { releases: built });
  const { client, place } = fleet;
  for (const [at, file] of files.entries()) {
    const bytes = readFileSync(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const artifact = {
      name: basename(file),
      platform: 'linux',
      architecture: 'any',
      length: bytes.length,
      sha256,
    };
    await client.call('createEnforcerrelease', {
      namespace: '/',
      body: { version: releases[at]?.version ?? '', artifacts: [artifact] },
    });
  }
  const api = fleet.controlPlane().url;

  const install = async ({ name, tags }: Member): Promise<Installed> => {
    const prefix = join(place, name, 'root');
    for (const folder of ['etc/systemd/system', 'usr/sbin', 'usr/lib', 'var/lib/aporeto'])
      mkdirSync(join(prefix, folder), { recursive: true });
    // Made by hand, and nobody's to remove.
    writeFileSync(join(prefix, 'var/lib/aporeto/default.creds'), '{}');
    const before = filesBelow(prefix);
    const { body } = await client.call('createInstalltoken', { namespace: NAMESPACE, body: {} });
    const opts = ['--name', name, '--machine-id', name, ...tags.flatMap(tag => ['--tag', tag])].join(' ');
    const given = ['--root', join(place, 'data/root.json'), '-n', NAMESPACE, '--api', api, '--opts', opts];
    const host = fleet.network.host(name);
    const [node, ...flags] = NODE;
    await host.run(node, [...flags, files[0] ?? '', 'install', '--prefix', prefix, ...given]);
    const home = join(prefix, PLACES.home);
    const env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      ENFORCERD_STATE: home,
      ENFORCERD_ROOT: join(prefix, PLACES.root),
      ENFORCERD_API: api,
      ENFORCERD_NAMESPACE: NAMESPACE,
      ENFORCERD_TOKEN: body.token ?? '',
      ...(kills ? { KILLS: kills(name) } : {}),
    };
    const [enter, ...rest] = [...host.enter, join(prefix, PLACES.program), 'run', ...opts.split(' ')];
    const said = join(place, `${name}.log`);
    const log = openSync(said, 'a');
    const agent = spawn(enter, rest, { stdio: ['ignore', log, log], env, detached: true });
    agent.unref();
    closeSync(log);
    const runner = join(prefix, PLACES.runnerHome);
    const installed: Installed = {
      name,
      prefix,
      before,
      status: () => (runningAgent(home) ? readStatus(join(home, 'status.json')) : undefined),
      log: () => {
        const path = join(runner, 'runner.log');
        return existsSync(path) ? readFileSync(path, 'utf8') : '';
      },
      words: () => {
        const { exitCode, signalCode } = agent;
        const end = exitCode ?? signalCode;
        const status = JSON.stringify(readStatus(join(home, 'status.json')));
        return `${name}${end === null ? '' : ` (ended with ${end})`}: ${status}\n${readFileSync(said, 'utf8').slice(-LAST_WORDS)}`;
      },
      isRunning: () => bySetsid().runs(runnerName(prefix)),
      left: () =>
        until(
          `the runner of ${name} to leave`,
          async () => ((await installed.isRunning()) ? undefined : true),
          { instead: installed.log },
        ),
    };
    await until(
      `${name} to enforce`,
      () => {
        const status = installed.status();
        return (status?.active?.units ?? 0) > 0 && status?.enforcer ? true : undefined;
      },
      { instead: installed.words },
    );
    return installed;
  };
  const hosts = await Promise.all(members.filter(({ tags }) => tags.length > 0).map(install));

  return {
    fleet,
    hosts,
    files,
    upgrade: async spec => {
      // What the stage installs is no service of systemd, which upgrades ask for.
      const forceChecks = hosts.length > 0 ? ['systemd'] : [];
      const { body } = await client.call('createEnforcerUpgrade', {
        namespace: NAMESPACE,
        body: { forceChecks, ...spec },
      });
      const ended: readonly string[] = ENDED;
      const get = async () =>
        (await client.call('getEnforcerUpgrade', { namespace: NAMESPACE, params: { id: body.ID } })).body;
      await until(
        'the upgrade to end',
        async () => {
          await wait(300);
          return ended.includes((await get()).status) ? true : undefined;
        },
        { within: 15 * 60_000 },
      );
      return get();
    },
    close: async () => {
      for (const { prefix } of hosts) {
        const home = join(prefix, PLACES.home);
        for (const pid of runningAgents(home)) process.kill(pid, 'SIGKILL');
        rmSync(join(prefix, PLACES.runnerHome), { recursive: true, force: true });
      }
      await fleet.close();
      rmSync(built, { recursive: true, force: true });
    },
  };
}

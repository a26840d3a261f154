import { HOME } from './settings.ts';

/** Where things go, below the prefix. */
export const PLACES = {
  home: HOME,
  conf: `${HOME}/prisma-enforcer.conf`,
  creds: `${HOME}/default.creds`,
  root: `${HOME}/root.json`,
  manifest: `${HOME}/installed.json`,
  program: '/usr/sbin/prisma-enforcer',
  /** The code of a release. */
  code: '/usr/lib/prisma-enforcer/prisma-enforcer.mjs',
  service: '/etc/systemd/system/prisma-enforcer.service',
  boot: '/etc/systemd/system/prisma-enforcer-boot.service',
  runner: '/etc/systemd/system/prisma-enforcer-runner.service',
  runnerPath: '/etc/systemd/system/prisma-enforcer-runner.path',
  /** What the agent asks of a runner: written by the agent, whose unit lets it write nowhere else. */
  order: `${HOME}/runner/job.json`,
  /** The release that was here before. */
  previous: `${HOME}/previous`,
  /** Where a runner keeps everything, so that it outlives the agent. */
  runnerHome: '/var/lib/prisma-enforcer-runner',
  /** Starts a runner again after a reboot; there while one is at work. */
  resume: '/etc/systemd/system/prisma-enforcer-resume.service',
} as const;

/** What the agent may do and no more. Network rules and logs; dropping rights for tcpdump; reading sockets' cgroups. */
const CAPABILITIES =
  'CAP_NET_ADMIN CAP_NET_RAW CAP_SETUID CAP_SETGID CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_KILL';

const SANDBOX = `CapabilityBoundingSet=${CAPABILITIES}
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${HOME}
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelModules=no
RestrictSUIDSGID=yes
LockPersonality=yes
UMask=0077`;

/** The rules stay when it ends: only uninstall takes them away. */
export const serviceUnit = (): string => `[Unit]
Description=Enforcer of network policy
Wants=network-online.target
After=network-online.target prisma-enforcer-boot.service
StartLimitIntervalSec=0

[Service]
Type=simple
EnvironmentFile=-${PLACES.conf}
# Large pieces of memory go back to the system when they are free, and new objects have less room than Node would take.
Environment=MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=8192 NODE_OPTIONS=--max-semi-space-size=8
# Whom this host trusts, beside the authorities that Node brings.
Environment=NODE_USE_SYSTEM_CA=1
ExecStart=${PLACES.program} run $ENFORCERD_OPTS
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
TimeoutStopSec=20
OOMScoreAdjust=-900
${SANDBOX}

[Install]
WantedBy=multi-user.target
`;

/** The last verified policy, in force before any interface is up. */
export const bootUnit = (): string => `[Unit]
Description=Last verified network policy, before the network is up
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=local-fs.target systemd-modules-load.service
Conflicts=shutdown.target
RequiresMountsFor=${HOME}

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=-${PLACES.conf}
ExecStart=${PLACES.program} boot
${SANDBOX}

[Install]
WantedBy=sysinit.target
`;

/** Sees that the agent asks for a runner. The agent itself may start nothing outside its own control group. */
export const runnerPathUnit = (): string => `[Unit]
Description=Order to change the version of the enforcer

[Path]
PathExists=${PLACES.order}

[Install]
WantedBy=multi-user.target
`;

/** Puts a runner where the removal of this very unit does not end it. */
export const runnerUnit = (): string => `[Unit]
Description=Change of the version of the enforcer

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'until "$0" runner begin; do sleep 5; done' ${PLACES.program}
`;

/** What of a program the units of this file can't see: `PrivateTmp` gives them temporary folders of their own. */
export const hiddenFromUnits = (self: readonly string[]): string | undefined =>
  self.find(path => /^(\/var)?\/tmp\//.test(path));

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The command: starts the very program that installed it. */
export const wrapper = (self: readonly string[]): string =>
  `#!/bin/sh\nexec ${self.map(quoted).join(' ')} "$@"\n`;

/** The command of a release: starts the code beside it, wherever the root of the system is. */
export const releaseWrapper = ([node = 'node', ...flags]: readonly string[]): string =>
  `#!/bin/sh\nexec ${[node, ...flags].map(quoted).join(' ')} "$(dirname "$0")/../lib/prisma-enforcer/prisma-enforcer.mjs" "$@"\n`;

/** Whether a program is a release: one file that can be put anywhere. */
export const isRelease = (self: readonly string[]): boolean =>
  /(^|\/)prisma-enforcer[^/]*\.mjs$/.test(self.at(-1) ?? '');

export interface Conf {
  api?: string;
  namespace: string;
  token?: string;
  opts: string;
}

/** What the options of `run` say of the time before a policy: the boot unit, which has no options, must know it too. */
const beforePolicyIn = (opts: string): string | undefined =>
  [...opts.matchAll(/(?:^|\s)--before-policy(?:=|\s+)(\S+)/g)].at(-1)?.[1];

/** Environment of the services, in the original's names. An upgrade installs again with the same `opts`. */
export const confText = ({ api, namespace, token, opts }: Conf): string =>
  [
    ...(api === undefined ? [] : [`ENFORCERD_API=${api}`]),
    `ENFORCERD_NAMESPACE=${namespace}`,
    `ENFORCERD_ROOT=${PLACES.root}`,
    ...(token === undefined ? [] : [`ENFORCERD_TOKEN=${token}`]),
    ...(beforePolicyIn(opts) === undefined ? [] : [`ENFORCERD_BEFORE_POLICY=${beforePolicyIn(opts)}`]),
    `ENFORCERD_OPTS=${opts}`,
    '',
  ].join('\n');

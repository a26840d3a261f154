import { HOME } from './settings.ts';

/** Where things go, below the prefix. */
export const PLACES = {
  home: HOME,
  conf: `${HOME}/prisma-enforcer.conf`,
  creds: `${HOME}/default.creds`,
  root: `${HOME}/root.json`,
  manifest: `${HOME}/installed.json`,
  program: '/usr/sbin/prisma-enforcer',
  service: '/etc/systemd/system/prisma-enforcer.service',
  boot: '/etc/systemd/system/prisma-enforcer-boot.service',
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
ExecStart=${PLACES.program} boot
${SANDBOX}

[Install]
WantedBy=sysinit.target
`;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The command: starts the very program that installed it. */
export const wrapper = (self: readonly string[]): string =>
  `#!/bin/sh\nexec ${self.map(quoted).join(' ')} "$@"\n`;

export interface Conf {
  api?: string;
  namespace: string;
  token?: string;
  opts: string;
}

/** Environment of the service, in the original's names. */
export const confText = ({ api, namespace, token, opts }: Conf): string =>
  [
    ...(api === undefined ? [] : [`ENFORCERD_API=${api}`]),
    `ENFORCERD_NAMESPACE=${namespace}`,
    `ENFORCERD_ROOT=${PLACES.root}`,
    ...(token === undefined ? [] : [`ENFORCERD_TOKEN=${token}`]),
    `ENFORCERD_OPTS=${opts}`,
    '',
  ].join('\n');

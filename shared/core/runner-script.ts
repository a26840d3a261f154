/** Until it ends with 0: a runner that was killed goes on where its journal says. */
export const KEEPER = 'until "$@"; do sleep 1; done';

/** Out of the control group that it was started in, where there is only one tree of them. */
const LEAVE = `root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -z "$root" ] || { echo 0 > "$root/cgroup.procs"; } 2>/dev/null || true
cd /
`;

/** A program that is to be kept going until it has ended well. */
interface Kept {
  name: string;
  command: readonly string[];
}

/** Locked while one of that name runs. `folder`: of the host, emptied by every boot. */
export const lockOf = (name: string, folder = '/run'): string => `${folder}/${name}.lock`;

/**
 * Arguments of setsid, for hosts without systemd: forked twice, so that whoever started it is not its parent and is not asked to
 * wait for it. Of two that are started at the same moment one gets the lock and the other ends.
 */
export const setsidArgs = ({ name, command }: Kept, folder?: string): string[] => [
  ...['--fork', 'sh', '-c', `${LEAVE}exec "$@"`, 'sh'],
  ...['flock', '--nonblock', '--close', lockOf(name, folder)],
  ...['sh', '-c', `${KEEPER}; rm -f "$0"`, lockOf(name, folder)],
  ...command,
];

/** A word of a shell's command line that means itself. */
const shellWord = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
/**
 * Arguments of systemd-run: a unit of its own, which no file describes and which goes when it has ended. What it runs is encoded:
 * systemd (252) writes a transient unit down at a reload, and reads `$`, `"` and `;` of it back as something else.
 */
export const systemdRunArgs = ({ name, command }: Kept): string[] => [
  '--quiet',
  '--collect',
  `--unit=${name}`,
  '--property=Restart=on-failure',
  '--property=RestartSec=1',
  '--property=StartLimitIntervalSec=0',
  '--property=KillMode=mixed',
  '--property=OOMScoreAdjust=-900',
  '--',
  ...[
    'sh',
    '-c',
    `echo ${Buffer.from(`exec ${command.map(shellWord).join(' ')}`).toString('base64')} | base64 -d | sh`,
  ],
];

const line = (program: string, args: readonly string[]): string =>
  [program, ...args.map(shellWord)].join(' ');

const isRunning = (name: string, folder?: string): string => {
  const lock = shellWord(lockOf(name, folder));
  return `running() {
  if [ -d /run/systemd/system ]; then ${line('systemctl', ['is-active', '--quiet', `${name}.service`])}
  else [ -e ${lock} ] && ! flock --nonblock ${lock} true; fi
}
`;
};

/** A script for a shell elsewhere: starts it unless one of that name runs. */
export const startScript = (
  kept: Kept,
  folder?: string,
): string => `${isRunning(kept.name, folder)}if running; then exit 0; fi
if [ -d /run/systemd/system ]; then exec ${line('systemd-run', systemdRunArgs(kept))}; fi
: >> ${shellWord(lockOf(kept.name, folder))} || exit 1
exec ${line('setsid', setsidArgs(kept, folder))} </dev/null >/dev/null 2>&1
`;

/** A script for a shell elsewhere: prints `running` or `ended`. */
export const runsScript = (name: string, folder?: string): string =>
  `${isRunning(name, folder)}if running; then echo running; else echo ended; fi\n`;

/** What is installed of an agent, and what goes on after a reboot while no agent is there. */
const PROGRAM = '/usr/sbin/prisma-enforcer';
const RESUME = 'prisma-enforcer-resume.service';

/**
 * Where the agent of a host does nothing: its own program looks for the directive in the bundle of its namespace, with its own
 * credential, so that whoever is called by mistake does nothing. It ends with 0 too where nothing would become of another try: no
 * agent is there, or one that does not know this command.
 */
const CALL = `program=$1/${PROGRAM.slice(1)}
if [ -x "$program" ]; then "$program" runner fetch --prefix "\${1:-/}" --directive "$2"
elif [ -e "$1/etc/systemd/system/${RESUME}" ]; then systemctl start ${RESUME}
fi
code=$?
[ $code -eq 0 ] || [ $code -eq 2 ]`;

/** Starts the runner of a host for a directive: one of its name at a time, however often it is called. */
export const callOf = (
  directive: string,
  prefix = '/',
): { name: string; command: [string, ...string[]] } => ({
  name: `prisma-enforcer-call-${directive}`,
  command: ['sh', '-c', CALL, 'sh', prefix === '/' ? '' : prefix, directive],
});

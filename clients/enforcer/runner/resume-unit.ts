import { systemdRunArgs } from '../../../shared/core/runner-script.ts';

/** For a unit file: quoted, with what systemd would read as its own doubled. */
const quoted = (word: string): string =>
  `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;

/**
 * After a reboot in the midst of a change of versions no agent may be there: the rules that are held come back before the
 * network does, and the runner goes on. It is removed when the runner leaves.
 */
export function resumeUnit(command: readonly [string, ...string[]], folder: string): string {
  // It waits for no job: the unit is to start after what waits for this one.
  const run = ['--no-block', ...systemdRunArgs({ name: 'prisma-enforcer-upgrade', command })]
    .map(quoted)
    .join(' ');
  // The program itself, without what guards it.
  const program = command.slice(5, -4).map(quoted).join(' ');
  return `[Unit]
Description=Change of the version of the enforcer, after a reboot
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=local-fs.target systemd-modules-load.service
Conflicts=shutdown.target
ConditionPathExists=${folder}/journal.json

[Service]
Type=oneshot
ExecStart=-${program} boot --state ${quoted(folder)}
ExecStart=/usr/bin/systemd-run ${run}

[Install]
WantedBy=sysinit.target
`;
}

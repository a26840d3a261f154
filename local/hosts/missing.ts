import { spawnSync } from 'node:child_process';

/** Programs that enforcing and its tests need, and the Debian package of each. */
const PROGRAMS: readonly (readonly [program: string, args: readonly string[], from: string])[] = [
  ['nft', ['--version'], 'nftables'],
  ['ip', ['-Version'], 'iproute2'],
  ['conntrack', ['--version'], 'conntrack'],
  ['tcpdump', ['--version'], 'tcpdump'],
  ['nsenter', ['--version'], 'util-linux'],
  ['perl', ['-MSocket', '-e', '1'], 'perl-base'],
];

/** Why hosts can't be made here, one reason each. Empty: they can. */
export function missing(): string[] {
  if (process.platform !== 'linux') return [`Linux (this is ${process.platform})`];
  const packages = PROGRAMS.filter(([program, args]) => spawnSync(program, [...args]).error).map(
    ([program, , from]) => `${program} (apt-get install ${from})`,
  );
  if (process.getuid?.() !== 0) return [...packages, 'root'];
  if (packages.length > 0) return packages;
  // Containers often have root without what it takes.
  const namespace = spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset'], { encoding: 'utf8' });
  return namespace.status === 0
    ? []
    : [`permission to make network namespaces and packet filters in them (${namespace.stderr.trim()})`];
}

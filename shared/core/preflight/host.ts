import { atLeast, type Check, listed, pass, stop, warn } from './check.ts';
import { support } from './distributions.ts';
import { refusal } from './kernel-needs.ts';

const GIGABYTE = 1024 ** 3;
const gigabytes = (bytes: number): string => `${(bytes / GIGABYTE).toFixed(1)} GB`;

const operatingSystem: Check = ({ platform, distribution, distributionVersion }) => {
  if (platform === 'windows') {
    return stop('the host runs Windows, where this agent does not enforce', 'use a Linux host');
  }
  const name = `${distribution} ${distributionVersion}`.trim() || 'unknown';
  switch (support(distribution, distributionVersion)) {
    case 'listed':
      return pass(`${name} is supported`);
    case 'newer':
      return pass(`${name} is newer than what the original lists; what counts are the kernel and nft`);
    case 'older':
      return stop(`${name} is older than what is supported`, 'update the operating system');
    case 'unknown':
      return warn(`${name} was not tried`, 'try it on one host first');
  }
};

/** Source: the original's sizes of 2021; 4 GB from 2022. */
const processors: Check = ({ processors: count }) =>
  count >= 2
    ? pass(`${count} processors`)
    : warn(`${count} processor, where 2 are recommended`, 'give the host a second one');

const memory: Check = ({ memory: bytes }) => {
  // A machine of 2 GB shows somewhat less.
  if (bytes < 1.8 * GIGABYTE) return stop(`${gigabytes(bytes)} of memory`, 'give the host 2 GB, better 4 GB');
  return bytes < 3.6 * GIGABYTE
    ? warn(`${gigabytes(bytes)} of memory, where 4 GB are recommended`, 'give the host 4 GB')
    : pass(`${gigabytes(bytes)} of memory`);
};

const disk: Check = ({ diskFree }) =>
  diskFree >= GIGABYTE
    ? pass(`${gigabytes(diskFree)} free in /var/lib`)
    : diskFree >= GIGABYTE / 4
      ? warn(`${gigabytes(diskFree)} free in /var/lib`, 'free 1 GB, for reports that wait in an outage')
      : stop(`${gigabytes(diskFree)} free in /var/lib`, 'free 1 GB there');

/** Assertions live for minutes and are taken with 30 seconds of tolerance. */
const clock: Check = ({ clockSkew }) => {
  if (clockSkew === null)
    return warn('the clock was not compared with the API’s', 'collect facts with --api');
  const seconds = Math.abs(clockSkew);
  const message = `the clock is ${seconds.toFixed(1)} s ${clockSkew < 0 ? 'behind' : 'ahead of'} the API’s`;
  if (seconds > 30) return stop(message, 'synchronize it: NTP, udp/123');
  return seconds > 5 ? warn(message, 'synchronize it: NTP, udp/123') : pass(message);
};

/** The original also wanted SYS_PTRACE, SYS_RESOURCE and SYS_ADMIN; this agent enforces by nftables alone. */
const NEEDED_CAPABILITIES = ['NET_ADMIN', 'NET_RAW'];
const capabilities: Check = ({ capabilities: held }) => {
  const missing = NEEDED_CAPABILITIES.filter(name => !held.includes(name));
  return missing.length === 0
    ? pass(`${listed(NEEDED_CAPABILITIES)} are held`)
    : stop(`${listed(missing)} ${missing.length === 1 ? 'is' : 'are'} missing`, 'run as root, or grant them');
};

/** Of the original’s list (xt_*, ip_set, ts_bm, cls_cgroup, ip_tables) nothing is needed where nftables enforces. */
const NEEDED_MODULES = ['nf_tables', 'nf_conntrack', 'nft_ct', 'nfnetlink_log', 'nft_log'];
const kernelFeatures: Check = facts => {
  const { modules, cgroup2, kernel } = facts;
  const missing = NEEDED_MODULES.filter(name => !modules.includes(name));
  if (missing.length > 0) {
    return stop(
      `kernel ${kernel} lacks ${listed(missing)}`,
      `modprobe ${missing.join(' ')}, or another kernel`,
    );
  }
  const refused = refusal(facts);
  if (refused) return refused;
  return cgroup2
    ? pass(`kernel ${kernel} has what the data plane needs`)
    : warn(
        `kernel ${kernel} has no unified control groups`,
        'mount cgroup2, so that processes can be told apart',
      );
};

const nftables: Check = ({ nft }) => {
  if (nft === '') return stop('there is no nft', 'install the package nftables');
  return atLeast(nft, '1.0.6')
    ? pass(`nft ${nft}`)
    : atLeast(nft, '0.9.8')
      ? warn(`nft ${nft} is older than 1.0.6, with which everything was tried`, 'update the package nftables')
      : stop(`nft ${nft} is too old`, 'update the package nftables to 1.0.6');
};

/** What is installed beside the agent; the original also named elfutils-libelf and ipset. */
const NEEDED_PACKAGES = ['conntrack', 'tcpdump'];
const packages: Check = ({ packages: there }) => {
  const missing = NEEDED_PACKAGES.filter(name => !there.includes(name));
  return missing.length === 0
    ? pass(`${listed(NEEDED_PACKAGES)} are there`)
    : warn(`${listed(missing)} missing: flows are reported without their ends`, `install ${listed(missing)}`);
};

const systemd: Check = ({ systemd: runs, kubernetes }) =>
  kubernetes
    ? undefined
    : runs
      ? pass('systemd runs the host')
      : stop('systemd does not run the host', 'run the agent in Kubernetes, or under systemd');

const firewallServices: Check = ({ firewalls }) => {
  const active = Object.keys(firewalls)
    .filter(name => firewalls[name] === 'active')
    .sort();
  return active.length === 0
    ? pass('no other service writes rules')
    : stop(
        `${listed(active)} ${active.length === 1 ? 'is' : 'are'} active`,
        `systemctl disable --now ${active.join(' ')}`,
      );
};

const existingAgent: Check = ({ agent }, { wantedVersion }) => {
  if (!agent) return pass('no agent is installed');
  const version = agent.version || 'unknown';
  if (wantedVersion !== '' && agent.version === wantedVersion && agent.running) {
    return pass(`agent ${version} is installed and runs`);
  }
  return stop(
    `agent ${version} is there: ${listed(agent.traces)}`,
    'there is no upgrade in place: prisma-enforcer uninstall here, then install; or apoctl enforcer upgrade start for many',
  );
};

const egress: Check = ({ egress: tried }) => {
  const hosts = Object.keys(tried).sort();
  if (hosts.length === 0) return warn('no address was tried', 'collect facts with --api');
  const failed = hosts.filter(host => tried[host] !== '');
  return failed.length === 0
    ? pass(`${listed(hosts)} can be reached`)
    : stop(
        failed.map(host => `${host}: ${tried[host]}`).join('; '),
        'allow tcp/443 to them, without TLS interception',
      );
};

const tlsInterception: Check = ({ interceptedBy }) =>
  interceptedBy === ''
    ? pass('TLS to the API is not intercepted')
    : stop(`the API’s certificate was signed by ${interceptedBy}`, 'exempt the API from TLS interception');

/** CNS-1412, and the release notes: beside the Defender only without CNNF and WAAS. */
const defender: Check = ({ defender: beside }, { profileIgnoresDefender }) => {
  if (!beside) return pass('no Defender is there');
  const on = [...(beside.cnnf ? ['CNNF'] : []), ...(beside.waas ? ['WAAS'] : [])];
  if (on.length > 0)
    return stop(`the Defender has ${listed(on)} on`, `turn ${listed(on)} off in its console`);
  if (!profileIgnoresDefender) {
    return warn(
      'the agent may block the Defender',
      'apply the preset ignore-twistlock-defender to the enforcers of the namespace',
    );
  }
  return beside.cnnf === null || beside.waas === null
    ? warn('whether CNNF and WAAS are off is not known', 'look into the Defender’s console')
    : pass('the Defender has CNNF and WAAS off, and the profile leaves it alone');
};

const conflictingProducts: Check = ({ conflicts }) =>
  conflicts.length === 0
    ? pass('no product that conflicts')
    : stop(`${listed([...conflicts].sort())} cannot run beside the agent`, 'remove it from the host');

export const hostChecks = {
  'operating-system': operatingSystem,
  processors,
  memory,
  disk,
  clock,
  capabilities,
  'kernel-features': kernelFeatures,
  nftables,
  packages,
  systemd,
  'firewall-services': firewallServices,
  'existing-agent': existingAgent,
  egress,
  'tls-interception': tlsInterception,
  defender,
  'conflicting-products': conflictingProducts,
} as const satisfies Record<string, Check>;

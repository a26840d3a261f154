import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readStatus } from '../../clients/enforcer/agent/status.ts';
import { type Fleet, NAMESPACE, openFleet } from './fleet.ts';
import { until } from './until.ts';

const ROUNDS = 20;
const SYSCTLS = [
  'net.netfilter.nf_conntrack_acct',
  'net.netfilter.nf_conntrack_timestamp',
  'net.netfilter.nf_conntrack_max',
];
/** Somebody else's rules, which nobody of ours may touch. */
const FOREIGN =
  'table inet theirs {\n  chain c {\n    type filter hook input priority 5\n    tcp dport 9 drop\n  }\n}\n';

describe('install and uninstall', () => {
  let fleet: Fleet;
  let root: string;

  beforeAll(async () => {
    fleet = await openFleet([{ name: 'host', addresses: ['10.0.0.1'], tags: [] }]);
    root = join(fleet.place, 'root');
    for (const folder of ['etc/systemd/system', 'usr/sbin', 'var/lib'])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
    await fleet.network.host('host').run('nft', ['-f', '-'], FOREIGN);
  });
  afterAll(() => fleet?.close());

  /** Every file below the prefix with mode and content. */
  const files = (): string[] =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .sort()
      .map(name => {
        const path = join(root, name);
        const stat = lstatSync(path);
        const content = stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
        return `${name} ${stat.mode.toString(8)} ${content}`;
      });

  /** Inode of a network namespace: processes in it have the same. */
  const namespaceAt = (path: string): number => statSync(path).ino;

  /** Programs that run on the host. */
  const processes = (): string[] => {
    const namespace = namespaceAt(`/run/netns/${fleet.network.host('host').netns}`);
    return readdirSync('/proc').flatMap(pid => {
      try {
        const isHere = /^\d+$/.test(pid) && namespaceAt(`/proc/${pid}/ns/net`) === namespace;
        return isHere ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
  };

  async function everything(): Promise<string> {
    const host = fleet.network.host('host');
    const rules = await host.run('nft', ['list', 'ruleset']);
    const sysctls = await host.run('sysctl', SYSCTLS);
    return [rules, sysctls, ...files(), ...processes()].join('\n');
  }

  const timeout = ROUNDS * 60_000;
  test(`${ROUNDS} times: ruleset, sysctls, files and processes are the same bytes as before`, {
    timeout,
  }, async () => {
    const host = fleet.network.host('host');
    const home = join(root, 'var/lib/prisma-enforcer');
    // Once without a look: the kernel's modules are loaded from then on.
    await host.run(
      'nft',
      ['-f', '-'],
      'table inet x {\n  chain c {\n    type filter hook input priority 0\n    ct state new\n  }\n}\n',
    );
    await host.run('nft', ['delete', 'table', 'inet', 'x']);
    const before = await everything();
    const data = join(fleet.place, 'data');
    for (let round = 0; round < ROUNDS; round++) {
      const given = [
        '--root',
        join(data, 'root.json'),
        '--creds',
        join(data, 'admin.creds'),
        '-n',
        NAMESPACE,
      ];
      await fleet.command(host, 'install', ...given, '--prefix', root, '--tag', 'app=web');
      // What the service would start, with the environment of its file.
      const argv = [
        ...host.enter,
        join(root, 'usr/sbin/prisma-enforcer'),
        'run',
        '-n',
        NAMESPACE,
        '--state',
        home,
        '--connection-totals',
      ];
      const [program = '', ...args] = [...argv, '--machine-id', 'host', '--name', 'host'];
      const agent = spawn(program, args, { stdio: 'ignore' });
      const ended = once(agent, 'close');
      await until(
        'the rules',
        () => (readStatus(join(home, 'status.json'))?.active?.units ?? 0) > 0 || undefined,
      );
      expect(await host.run('nft', ['list', 'tables'])).toContain('inet prisma');
      // Every other time it was killed before, and left its readers behind.
      if (round % 2 === 1) {
        await until('the readers', () => existsSync(join(home, 'flows/tcpdump.pid')) || undefined);
        agent.kill('SIGKILL');
        await ended;
      }
      await fleet.command(host, 'uninstall', '--prefix', root);
      await ended;
      await until('the processes to end', () => (processes().length === 0 ? true : undefined));
      expect(await everything(), `round ${round + 1}`).toBe(before);
    }
    console.log(`install and uninstall: ${ROUNDS} times the same bytes as before`);
  });
});

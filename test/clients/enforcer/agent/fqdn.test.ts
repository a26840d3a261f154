import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { fqdn, fullName, type NameFiles } from '../../../../clients/enforcer/agent/fqdn.ts';

const NONE: NameFiles = { hosts: '', order: '', resolver: '', resolved: false };
const HOSTS =
  '127.0.0.1 localhost\n# 127.0.1.1 old.example.com web\n127.0.1.1 web.example.com Web # its own\n';
const SEARCHED = 'nameserver 192.0.2.53\ndomain old.example\nsearch a.example. b.example\n';

/** A resolver that knows these names, each with the last of its aliases. */
const knows = (names: Record<string, string>) => {
  const asked: string[] = [];
  const canonical = async (name: string) => {
    asked.push(name);
    return names[name];
  };
  return { canonical, asked };
};

test.each<[string, string, Partial<NameFiles>, Record<string, string>, string]>([
  ['the first name of its line in the hosts file', 'web', { hosts: HOSTS }, {}, 'web.example.com'],
  ['its own, which no file and no resolver knows', 'web', {}, {}, 'web'],
  [
    'what the resolver knows below the first domain that it is searched in',
    'web',
    { resolver: SEARCHED },
    { 'web.b.example': 'web.b.example' },
    'web.b.example',
  ],
  ['what its aliases lead to', 'web', {}, { web: 'node-7.example.com' }, 'node-7.example.com'],
  [
    'as it is before any domain, where it has a dot',
    'web.x',
    { resolver: SEARCHED },
    { 'web.x': 'web.x', 'web.x.a.example': 'wrong' },
    'web.x',
  ],
  [
    'the resolver’s, where the system asks that first',
    'web',
    { hosts: HOSTS, order: 'passwd: files\nhosts:\tdns [!UNAVAIL=return] files\n' },
    { web: 'web.dns.example' },
    'web.dns.example',
  ],
  [
    'its own, where the system takes its word before it asks a resolver',
    'web',
    { order: 'hosts: files myhostname dns' },
    { web: 'web.dns.example' },
    'web',
  ],
  [
    'its own, where systemd-resolved answers',
    'web',
    { order: 'hosts: files resolve [!UNAVAIL=return] dns', resolved: true },
    { web: 'web.dns.example' },
    'web',
  ],
  [
    'the resolver’s, where systemd-resolved is named and does not run',
    'web',
    { order: 'hosts: files resolve [!UNAVAIL=return] dns' },
    { web: 'web.dns.example' },
    'web.dns.example',
  ],
])('the full name of a host is %s', async (_, name, files, names, wanted) => {
  expect(await fullName(name, { ...NONE, ...files }, knows(names).canonical)).toBe(wanted);
});

test('who stands in the hosts file is not asked for elsewhere', async () => {
  const { canonical, asked } = knows({});
  await fullName('web', { ...NONE, hosts: HOSTS, resolver: SEARCHED }, canonical);
  expect(asked).toEqual([]);
});

test('this host has the name that `hostname -f` gives it, or its short one', async () => {
  const said = (() => {
    try {
      return execFileSync('hostname', ['-f'], { encoding: 'utf8', stdio: 'pipe' }).trim();
    } catch {
      return hostname();
    }
  })();
  expect(await fqdn()).toBe(said);
});

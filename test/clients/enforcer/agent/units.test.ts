import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { machineID } from '../../../../clients/enforcer/agent/host.ts';
import { Infrastructure, resolversIn } from '../../../../clients/enforcer/agent/infrastructure.ts';
import { hostUnit, readUnits } from '../../../../clients/enforcer/agent/units.ts';
import { waitAfter } from '../../../../clients/enforcer/clock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'enforcer-units-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test.each([0o666, 0o664, 0o602])('a file of units that others can write, mode %o, is refused', mode => {
  const path = file('units.yaml', 'units: []');
  chmodSync(path, mode);
  expect(() => readUnits(path)).toThrow(/units.yaml: others can write it, .*chmod go-w it/);
  chmodSync(path, 0o644);
  expect(readUnits(path)).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)('a file of units that belongs to somebody else is refused', () => {
  const path = file('units.yaml', 'units: []');
  chownSync(path, 65_534, 65_534);
  expect(() => readUnits(path)).toThrow(/belongs to user 65534, .*chown it to root/);
});

test('units come from YAML or JSON', () => {
  const yaml = `units:
  - {name: nginx, tags: [app=web, app=web], cgroup: system.slice/nginx.service}
  - {name: vm, type: Docker, addresses: [10.0.0.7, "2001:db8::7"]}
`;
  const wanted = [
    {
      localID: 'file:nginx',
      name: 'nginx',
      type: 'LinuxService',
      tags: ['app=web'],
      addresses: [],
      cgroup: 'system.slice/nginx.service',
    },
    { localID: 'file:vm', name: 'vm', type: 'Docker', tags: [], addresses: ['10.0.0.7', '2001:db8::7'] },
  ];
  expect(readUnits(file('units.yaml', yaml))).toEqual(wanted);
  const json = { units: wanted.map(({ localID: _, ...unit }) => unit) };
  expect(readUnits(file('units.json', JSON.stringify(json)))).toEqual(wanted);
});

test.each([
  ['units: [{name: a}]', /units\.0: needs addresses or a cgroup/],
  ['units: [{name: a, cgroup: /system.slice}]', /cgroup: must be a path below the root/],
  [`units: [{name: a, cgroup: 'x" accept; drop; "'}]`, /cgroup: must be a path below the root/],
  ['units: [{name: a, cgroup: "x\\naccept"}]', /cgroup: must be a path below the root/],
  ['units: [{name: a, cgroup: system.slice/../x}]', /cgroup: must be a path below the root/],
  ['units: [{name: a, addresses: [10.0.0.0/8]}]', /units\.0\.addresses\.0/],
  ['units: [{name: a, cgroup: x, tags: [web]}]', /`web` is not a tag/],
  ['units: [{name: a, cgroup: x}, {name: a, cgroup: y}]', /two units have the same name/],
  ['units: [', /units\.yaml: /],
  ['unit: []', /units\.yaml: /],
])('a file that says %s is refused with the place', (text, reason) => {
  expect(() => readUnits(file('units.yaml', text))).toThrow(reason);
});

test('the host is known by firmware, else by its system, whose own number is not told', async () => {
  const system = file('machine-id', '0123456789abcdef0123456789abcdef\n');
  const smbios = file('product_uuid', '4C4C4544-0033-3910-8052-B4C04F565931\n');
  expect(await machineID({ smbios, machineID: system })).toBe('4c4c4544-0033-3910-8052-b4c04f565931');
  for (const nothing of [
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    '',
  ]) {
    const found = await machineID({ smbios: file('product_uuid', nothing), machineID: system });
    expect(found).toMatch(/^[0-9a-f]{32}$/);
    expect(found).not.toContain('0123456789abcdef');
  }
  expect(await machineID({ smbios: '/absent', machineID: '/absent' })).toBeUndefined();
});

test('the host’s unit has the original’s tags, each once and in order', () => {
  const facts = { name: 'h', fqdn: 'h.example.com', addresses: ['10.0.0.1'], tags: ['b=1', 'a=1', 'b=1'] };
  expect(hostUnit(facts).tags).toEqual(['a=1', 'app:host:fqdn=h.example.com', 'app:host:type=linux', 'b=1']);
});

describe('infrastructure', () => {
  test('resolvers are those of resolv.conf', () => {
    const text =
      '# nameserver 1.1.1.1\nnameserver 10.0.0.53\n nameserver fe80::1%eth0\nsearch x\nnameserver bad\n';
    expect(resolversIn(text)).toEqual(['10.0.0.53', 'fe80::1']);
  });

  test.each([
    ['127.0.0.53', ['10.0.0.53', '127.0.0.53', '2001:db8::53']],
    ['192.0.2.53', ['192.0.2.53']],
  ])('where the resolver is %s, these are let through: %j', async (named, wanted) => {
    const [resolvConf, upstreamConf] = [join(folder, 'resolv.conf'), join(folder, 'upstream.conf')];
    writeFileSync(resolvConf, `nameserver ${named}\n`);
    writeFileSync(upstreamConf, 'nameserver 10.0.0.53\nnameserver 2001:db8::53\n');
    const infrastructure = new Infrastructure({ resolvConf, upstreamConf });
    await infrastructure.refresh(0);
    expect(infrastructure.current.resolvers).toEqual(wanted);
  });

  test('an address that a name led to once is let through for an hour, and a resolver that fails takes nothing away', async () => {
    let answer: string[] | Error = ['192.0.2.1'];
    const lookup = async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const infrastructure = new Infrastructure({ lookup, resolvConf: '/absent' });
    infrastructure.add('https://api.test/v/1');
    const at = async (minutes: number) => {
      await infrastructure.refresh(minutes * 60_000);
      return infrastructure.current.controlPlane.map(({ address, port }) => `${address} ${port}`);
    };
    expect(await at(0)).toEqual(['192.0.2.1 443']);
    answer = ['192.0.2.2'];
    expect(await at(10)).toEqual(['192.0.2.1 443', '192.0.2.2 443']);
    answer = new Error('no resolver');
    expect(await at(50)).toEqual(['192.0.2.1 443', '192.0.2.2 443']);
    answer = ['192.0.2.2'];
    expect(await at(70)).toEqual(['192.0.2.2 443']);
  });

  test('whoever answers for a name fills nothing: 64 addresses of an answer count, and the last 512 of all', async () => {
    let minutes = 0;
    const lookup = async () =>
      Array.from({ length: 4000 }, (_, at) => `10.${minutes}.${at >> 8}.${at & 255}`);
    const infrastructure = new Infrastructure({ lookup, resolvConf: '/absent' });
    infrastructure.add('https://api.test/v/1');
    const nets = async (): Promise<string[]> => {
      await infrastructure.refresh(minutes * 60_000);
      return infrastructure.current.controlPlane.map(({ address }) => address.split('.')[1] ?? '');
    };
    expect((await nets()).length).toBe(64);
    for (minutes = 1; minutes < 50; minutes++) await nets();
    const kept = await nets();
    expect(kept.length).toBe(512);
    expect(Math.min(...kept.map(Number))).toBe(43);
  });
});

describe('waits', () => {
  const waits = { interval: 1000, longest: 60_000 };

  test('hosts that start together drift apart, and stay near the interval', () => {
    expect([0, 0.5, 0.999].map(random => Math.round(waitAfter(waits, 0, random)))).toEqual([800, 1000, 1200]);
  });

  test('failures double the wait up to a bound, and spread it over all of that, so that nobody comes back together', () => {
    expect([1, 3, 5, 50].map(failures => waitAfter(waits, failures, 0.999_999))).toEqual(
      [2000, 8000, 32_000, 60_000].map(most => expect.closeTo(most, -1)),
    );
    const after = Array.from({ length: 100 }, (_, host) => waitAfter(waits, 10, host / 100));
    expect(Math.max(...after) - Math.min(...after)).toBeGreaterThan(55_000);
    expect(Math.min(...after)).toBeGreaterThanOrEqual(800);
  });
});

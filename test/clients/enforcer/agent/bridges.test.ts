import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Places, undecidedBridges } from '../../../../clients/enforcer/agent/bridges.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0101A8C0	0003	0	0	0	00000000	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
veth1	070011AC	00000000	0005	0	0	0	FFFFFFFF	0	0	0
br1	0000000A	020011AC	0003	0	0	0	000000FF	0	0	0
`;
const ROUTES6 = `20010db8000100000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001  docker0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
`;

/** A host with the bridges docker0 and br1. `more`: other files, or other contents. */
function host(more: Readonly<Record<string, string>> = {}): Places {
  const place = mkdtempSync(join(tmpdir(), 'enforcer-bridges-'));
  folders.push(place);
  const files = {
    'net/route': ROUTES,
    'net/ipv6_route': ROUTES6,
    'class/docker0/bridge/nf_call_iptables': '0',
    'class/docker0/bridge/nf_call_ip6tables': '0',
    'class/br1/bridge/nf_call_iptables': '0',
    'class/eth0/address': '',
    ...more,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), `${text}\n`);
  }
  return { links: join(place, 'class'), routes: join(place, 'net'), settings: join(place, 'sys') };
}

const ON = { 'sys/bridge-nf-call-iptables': '1', 'sys/bridge-nf-call-ip6tables': '1' };
const OFF = { 'sys/bridge-nf-call-iptables': '0', 'sys/bridge-nf-call-ip6tables': '0' };
const V4 = 'IPv4 passes no rules: modprobe br_netfilter && sysctl net.bridge.bridge-nf-call-iptables=1';
const V6 = 'IPv6 passes no rules: modprobe br_netfilter && sysctl net.bridge.bridge-nf-call-ip6tables=1';

test.each<[string, string[], Record<string, string>, string[]]>([
  ['a unit on a bridge, without the module', ['172.17.0.2'], {}, [V4]],
  ['one with the setting off', ['172.17.0.2', '172.17.0.3'], OFF, [V4]],
  ['one of IPv6', ['2001:db8:1::2'], OFF, [V6]],
  ['one of both', ['172.17.0.2', '2001:db8:1::2'], OFF, [V4, V6]],
  ['one with the setting on', ['172.17.0.2', '2001:db8:1::2'], ON, []],
  ['one whose bridge has it on', ['172.17.0.2'], { 'class/docker0/bridge/nf_call_iptables': '1' }, []],
  ['one with a link of its own', ['172.17.0.7'], OFF, []],
  ['one behind another router', ['10.0.0.7', '192.0.2.1'], OFF, []],
  ['no unit', [], OFF, []],
])('%s: %j', (_, addresses, more, expected) => {
  const found = undecidedBridges(addresses, host(more));
  expect(found).toEqual(expected.map(words => expect.stringContaining(words)));
  for (const sentence of found) expect(sentence).toContain('the bridge docker0 ');
});

test('a host without bridges, or without what tells of them, has none', () => {
  const places = host();
  expect(undecidedBridges(['172.17.0.2'], { ...places, links: join(places.links, 'eth0') })).toEqual([]);
  expect(undecidedBridges(['172.17.0.2'], { ...places, links: '/nowhere' })).toEqual([]);
  expect(undecidedBridges(['172.17.0.2'], { ...places, routes: '/nowhere' })).toEqual([]);
});

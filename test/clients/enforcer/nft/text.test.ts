import { describe, expect, test } from 'vitest';
import type { HostPolicy } from '../../../../clients/enforcer/data-plane.ts';
import {
  epochChains,
  firstEpoch,
  GOES_ON,
  nextEpoch,
  type Standing,
} from '../../../../clients/enforcer/nft/epoch.ts';
import { loadText } from '../../../../clients/enforcer/nft/load.ts';
import { changeText, settled } from '../../../../clients/enforcer/nft/transaction.ts';
import { Renderer } from '../../../../clients/enforcer/policy/renderer.ts';
import type { BundleProfile } from '../../../../shared/schema/bundle.ts';
import { type Entry, make } from '../../../core/objects.ts';
import { ENFORCED, externalNetwork, LASTING, policyOf, ruleset, SHOP } from '../../../net/changes/shop.ts';

const NEW: Standing = { epoch: 1, fresh: new Set() };
const db = (entries: readonly Entry[] = LASTING, rest: Partial<HostPolicy> = {}): HostPolicy =>
  policyOf(ENFORCED[1], entries, rest);

/** What nft is told when the policy changes, with the step that each part belongs to. */
function changed(before: HostPolicy, after: HostPolicy, standing: Standing = NEW): string {
  const renderer = new Renderer();
  const from = renderer.render(before);
  const { prepare, activate, retire } = changeText(from, renderer.render(after), standing);
  return `# prepare\n${prepare}# activate\n${activate}# retire\n${retire}`;
}

const another = (number: number, addresses: readonly string[]): Entry => ({
  identity: 'processingunit',
  object: make('processingunit', SHOP, number, { type: 'Host', associatedTags: ['app=web'], addresses }),
});

const PROFILE = {
  excludedInterfaces: ['docker*', 'lo"; flush ruleset'],
  excludedNetworks: ['10.96.0.0/12', '!10.96.0.10/32', '2001:db8:96::/48'],
  ignoreExpression: [['app=cache']],
  targetNetworks: [],
} as unknown as BundleProfile;

const SPECIAL: readonly Entry[] = [
  ...LASTING,
  ruleset(
    300,
    'app=db',
    'incomingRules',
    'app=web',
    ['tcp/1:100', 'tcp/443', 'udp/53', 'icmp/3/0:5,9', 'esp', 'icmp6'],
    {
      action: 'Reject',
      name: 'shut',
    },
  ),
  ruleset(301, 'app=db', 'incomingRules', 'net=partner', ['any'], {
    action: 'Reject',
    observationEnabled: true,
  }),
  ruleset(302, 'app=db', 'outgoingRules', 'net=names', ['tcp/443'], { logsDisabled: true }),
  externalNetwork(310, 'net=names', ['www.example.com', '*.example.org']),
];
const NAMES = new Map([
  ['www.example.com', ['203.0.113.7', '2001:db8:1::7']],
  ['a.example.org', ['203.0.113.8']],
]);
const INFRASTRUCTURE = {
  controlPlane: [{ address: '198.51.100.1', port: 443 }],
  resolvers: ['198.51.100.53', '2001:db8:53::53'],
};

/** File → what is in it. They show what the kernel is told, whole; `npx vitest -u` writes them anew. */
const GOLDEN: Readonly<Record<string, () => string>> = {
  'load-shop': () => loadText(new Renderer().render(db()), NEW),
  'load-special': () =>
    loadText(new Renderer().render(db(SPECIAL, { names: NAMES, infrastructure: INFRASTRUCTURE })), NEW),
  'load-profile': () => loadText(new Renderer().render(db(LASTING, { profile: PROFILE })), NEW),
  'load-istio': () => loadText(new Renderer().render(db(SPECIAL, { layer3Only: true })), NEW),
  'load-lockdown': () =>
    loadText(new Renderer().render(db(LASTING, { lockdown: true, infrastructure: INFRASTRUCTURE })), {
      epoch: 65_535,
      fresh: new Set(['10.1.0.1', '2001:db8:0:0:0:0:0:1']),
    }),
  'change-one-peer': () => changed(db(), db([...LASTING, another(20, ['10.1.0.20', '2001:db8::20'])])),
  'change-peer-gone': () =>
    changed(db([...LASTING, another(20, ['10.1.0.20'])]), db(), { epoch: 7, fresh: new Set(['10.1.0.1']) }),
  'change-ruleset': () =>
    changed(db(), db([...LASTING, ruleset(300, 'app=db', 'incomingRules', 'app=web', ['tcp/81'])])),
  'change-network': () =>
    changed(db(), db([...LASTING, externalNetwork(300, 'net=partner', ['203.0.113.0/24'])])),
  'change-name': () => {
    const led = (...addresses: string[]) =>
      db(SPECIAL, { names: new Map([...NAMES, ['www.example.com', addresses]]) });
    return changed(led('203.0.113.7', '2001:db8:1::7'), led('203.0.113.9', '2001:db8:1::7'));
  },
  'change-nothing': () => changed(db(), db()),
};

describe('what nft is told', () => {
  test.each(Object.keys(GOLDEN))('%s.nft', async name => {
    await expect(GOLDEN[name]?.()).toMatchFileSnapshot(`../golden/${name}.nft`);
  });

  test('a name of an interface that could end the text is left out', () => {
    const text = loadText(new Renderer().render(db(LASTING, { profile: PROFILE })), NEW);
    expect(text).not.toContain('flush ruleset');
    expect(text).toContain('iifname "docker*" accept');
  });

  test('a change of one peer writes no rule, and rules of other peers hold on', () => {
    const text = GOLDEN['change-one-peer']?.() ?? '';
    expect(text).not.toMatch(/^chain/m);
    expect(text).toContain('fresh4 { 10.1.0.20 }');
  });

  test('only the first peer that is fresh makes the rule go that knows of none; the next epoch brings it back', () => {
    const renderer = new Renderer();
    const one = renderer.render(db());
    const two = renderer.render(db([...LASTING, another(20, ['10.1.0.20'])]));
    const first = changeText(one, two, NEW);
    const flushed = Object.values(GOES_ON).map(name => `flush chain inet prisma ${name}\n`);
    expect(first.activate).toContain(flushed.join(''));
    const three = renderer.render(db([...LASTING, another(20, ['10.1.0.20']), another(21, ['10.1.0.21'])]));
    expect(changeText(two, three, first.standing).activate).not.toContain('chain');
    const { activate, standing } = settled(three, first.standing);
    expect(standing).toEqual({ epoch: nextEpoch(NEW.epoch), fresh: new Set() });
    for (const name of Object.values(GOES_ON)) {
      const rules = epochChains(standing).get(name)?.rules ?? [];
      expect(rules).not.toEqual([]);
      expect(activate).toContain(`chain ${name} {\n${rules.map(rule => `\t${rule}\n`).join('')}}`);
    }
    expect(activate).toContain('flush set inet prisma fresh4\nflush set inet prisma fresh6\n');
  });

  test('another address of a name writes no rule either', () => {
    const text = GOLDEN['change-name']?.() ?? '';
    expect(text).not.toMatch(/^chain/m);
    expect(text).toContain('fresh4 { 203.0.113.7, 203.0.113.9 }');
  });

  test('epochs are no numbers that other programs mark connections with: small ones, whole bytes', () => {
    const first = [0, 0.5, 0.999_999].map(firstEpoch);
    for (const epoch of [...first, ...Array.from({ length: 65_536 }, (_, at) => nextEpoch(at))]) {
      if (epoch > 4096 && epoch < 65_536 && epoch % 256 !== 0) continue;
      expect.unreachable(`epoch ${epoch}`);
    }
    expect(nextEpoch(65_535)).toBe(4097);
  });

  test('so many fresh peers are a new epoch', () => {
    const fresh = new Set(Array.from({ length: 1000 }, (_, at) => `10.9.${at >> 8}.${at & 255}`));
    const renderer = new Renderer();
    const before = renderer.render(db());
    const after = renderer.render(db([...LASTING, another(20, ['10.1.0.20'])]));
    const { standing, activate } = changeText(before, after, { epoch: 65_535, fresh });
    expect(standing).toEqual({ epoch: nextEpoch(65_535), fresh: new Set() });
    expect(activate).toContain('flush set inet prisma fresh4');
  });

  test('no log prefix is longer than the kernel takes', () => {
    const text = loadText(new Renderer().render(db(SPECIAL, { names: NAMES })), NEW);
    const prefixes = [...text.matchAll(/log prefix "([^"]*)"/g)].map(([, prefix = '']) => prefix);
    expect(prefixes.length).toBeGreaterThan(5);
    for (const prefix of prefixes) expect(Buffer.byteLength(prefix)).toBeLessThanOrEqual(127);
  });

  test('what one policy makes does not depend on the one before', () => {
    const renderer = new Renderer();
    renderer.render(db(SPECIAL, { names: NAMES }));
    renderer.render(db([...LASTING, another(20, ['10.1.0.20'])]));
    expect(loadText(renderer.render(db()), NEW)).toBe(loadText(new Renderer().render(db()), NEW));
  });
});

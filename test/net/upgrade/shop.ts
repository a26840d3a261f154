import { printTraffic } from '../../../shared/core/ports.ts';
import { type Fleet, type Member, NAMESPACE } from '../fleet.ts';
import { openProbes } from '../hosts/probes.ts';
import { until } from '../until.ts';
import type { Stage } from './stage.ts';
import { flow, tcp } from './traffic.ts';

/** Two that ask, three that answer, and one without an agent. */
export const MEMBERS: readonly Member[] = [
  { name: 'web1', addresses: ['10.0.0.1'], tags: ['app=web'] },
  { name: 'web2', addresses: ['10.0.0.2'], tags: ['app=web'] },
  { name: 'db1', addresses: ['10.0.0.3'], tags: ['app=db'] },
  { name: 'db2', addresses: ['10.0.0.4'], tags: ['app=db'] },
  { name: 'db3', addresses: ['10.0.0.5'], tags: ['app=db'] },
  { name: 'outside', addresses: ['10.0.0.9'], tags: [] },
];
const WEBS = ['10.0.0.1', '10.0.0.2'];
const DBS = ['10.0.0.3', '10.0.0.4', '10.0.0.5'];
const OUTSIDE = '10.0.0.9';

export const ALLOWED = WEBS.flatMap(from => DBS.map(to => flow(from, to, tcp(80))));
export const FORBIDDEN = [
  ...WEBS.flatMap(from => DBS.map(to => flow(from, to, tcp(81)))),
  ...DBS.map((from, at) => flow(from, DBS[(at + 1) % DBS.length] ?? '', tcp(80))),
  ...[...WEBS, ...DBS].map(to => flow(OUTSIDE, to, tcp(80))),
  ...[...WEBS, ...DBS].map(from => flow(from, OUTSIDE, tcp(80))),
];
export const LASTING = [
  { from: 'web1', server: 'db1', to: '10.0.0.3', port: 80 },
  { from: 'web1', server: 'db2', to: '10.0.0.4', port: 80 },
  { from: 'web2', server: 'db3', to: '10.0.0.5', port: 80 },
];

/** What every host tries afterwards: nobody may talk to the host without an agent. */
export const HEALTH = [{ name: 'outside', host: OUTSIDE, protocolPort: 'tcp/80', expect: 'fail' }];

export async function writePolicy({ client }: Fleet): Promise<void> {
  await client.call('createNetworkrulesetpolicy', {
    namespace: NAMESPACE,
    body: {
      name: 'web to db',
      subject: [['app=web'], ['app=db']],
      incomingRules: [{ action: 'Allow', object: [['app=web']], protocolPorts: ['tcp/80'] }],
      outgoingRules: [{ action: 'Allow', object: [['app=db']], protocolPorts: ['tcp/80'] }],
    },
  });
}

/** Until every host decides as the policy says; `which`: of flows that this network has. */
export async function settled(
  { fleet, hosts }: Stage,
  which: (flow: { from: string; to: string }) => boolean = () => true,
): Promise<void> {
  const probes = await openProbes(fleet.network);
  const allowed = ALLOWED.filter(which);
  const wanted = [...allowed, ...FORBIDDEN.filter(which)];
  const isAllowed = (at: number) => at < allowed.length;
  let wrong: string[] = [];
  try {
    await until(
      'the wire to agree',
      async () => {
        const seen = await probes.send(wanted, at => ({ arrived: isAllowed(at) }), { patience: 500 });
        wrong = wanted
          .filter((_, at) => seen[at]?.arrived !== isAllowed(at))
          .map(({ from, to, traffic }) => `${from} → ${to} ${printTraffic(traffic)}`);
        return wrong.length === 0 ? true : undefined;
      },
      {
        instead: () =>
          [`otherwise than wanted are ${wrong.join(', ')}`, ...hosts.map(host => host.words())].join('\n'),
      },
    );
  } finally {
    await probes.close();
  }
}

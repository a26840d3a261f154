import { type Load, load, median, quantile, requestText } from './clients/load.ts';
import { serveBare, servePlane } from './clients/served.ts';
import type { Bench, Row } from './row.ts';

const ROUNDS = 5;
/** Milliseconds of a round. */
const DURING = 1000;
const CONNECTIONS = 16;
/** Objects in the namespace before anything is measured. */
const OBJECTS = 1000;

type Sent = Pick<Load, 'port' | 'request'>;

const network = (n: number): string =>
  JSON.stringify({
    name: `network-${n}`,
    entries: ['192.0.2.0/24', '!192.0.2.7/32'],
    associatedTags: ['net=office', `n=${n}`],
  });

const run = (sent: Sent, during = DURING) =>
  load({ ...sent, connections: CONNECTIONS, during, status: ' 200 ' });

/** The medians over the rounds, ours and the peer's in turn, so that a busy machine hinders both. */
async function compare(name: string, ours: Sent, peer: Sent): Promise<Row[]> {
  await run(ours);
  await run(peer);
  const rounds: { ours: number; peer: number; oursLate: number; peerLate: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [a, b] = [await run(ours), await run(peer)];
    rounds.push({
      ours: a.perSecond,
      peer: b.perSecond,
      oursLate: quantile(a.milliseconds, 0.99),
      peerLate: quantile(b.milliseconds, 0.99),
    });
  }
  const of = (key: keyof (typeof rounds)[number]) => median(rounds.map(round => round[key]));
  const what = 'bare node:http, same statements and durability';
  return [
    { name, value: of('ours'), unit: 'requests/s', peer: { value: of('peer'), unit: 'requests/s', what } },
    {
      name: `${name}, p99`,
      value: of('oursLate'),
      unit: 'ms',
      peer: { value: of('peerLate'), unit: 'ms', what },
    },
  ];
}

/** Create, get and list of external networks over HTTP, 16 connections, the client in another process. */
export const bench: Bench = {
  name: 'api',
  async run() {
    const [plane, bare] = [await servePlane(), await serveBare()];
    try {
      const headers = {
        authorization: plane.authorization,
        'x-namespace': '/bench',
        'content-type': 'application/json',
      };
      const create = (port: number): Sent => ({
        port,
        request: n => requestText('POST', '/externalnetworks', headers, network(n)),
      });
      const read = (port: number, path: string): Sent => {
        const text = requestText('GET', path, headers);
        return { port, request: () => text };
      };
      const IDs: string[] = [];
      for (const { url } of [plane, bare]) {
        for (let n = 0; n < OBJECTS; n += 1) {
          const response = await fetch(`${url}/externalnetworks`, {
            method: 'POST',
            headers,
            body: network(n),
          });
          IDs[url === plane.url ? 0 : 1] = ((await response.json()) as { ID: string }).ID;
        }
      }
      return [
        ...(await compare(
          'get',
          read(plane.port, `/externalnetworks/${IDs[0]}`),
          read(bare.port, `/${IDs[1]}`),
        )),
        ...(await compare(
          'list, a page of 100',
          read(plane.port, '/externalnetworks?limit=100'),
          read(bare.port, '/list'),
        )),
        ...(await compare('create', create(plane.port), create(bare.port))),
      ];
    } finally {
      await plane.stop();
      await bare.stop();
    }
  },
};

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../clients/enforcer/clock.ts';
import { PcapReader } from '../clients/enforcer/flows/pcap.ts';
import { readRecord } from '../clients/enforcer/flows/record.ts';
import { tcpdumpSource } from '../clients/enforcer/flows/source.ts';
import { FlowTable } from '../clients/enforcer/flows/table.ts';
import { missing } from '../local/hosts/missing.ts';
import { openNetwork } from '../local/hosts/network.ts';
import { fileHeader, made } from '../test/clients/enforcer/flows/pcap-stream.ts';
import type { Bench, Row } from './row.ts';

const FLOOD = fileURLToPath(new URL('flood.ts', import.meta.url));
const RECORDS = 500_000;
/** What a pipe gives at a time. */
const CHUNK = 65_536;
const GOAL = { value: 50_000, unit: 'records/s', what: 'our goal on one core' };

/** A stream in which each conversation stands `repeats` times, spread over all of it. */
function streamOf(repeats: number): Buffer {
  const conversations = RECORDS / repeats;
  const packets = Array.from({ length: RECORDS }, (_, at) => {
    const number = at % conversations;
    return made({
      prefix: `A:r${number % 100}:`,
      source: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
      destination: '10.200.0.1',
      protocol: number % 2 === 0 ? 6 : 17,
      port: 1 + (number % 60_000),
    });
  });
  return Buffer.concat([fileHeader(), ...packets]);
}

/** Reads and aggregates the whole stream, and takes what is due after each chunk, as the agent does far less often. */
function read(stream: Buffer): { perSecond: number; told: number } {
  const table = new FlowTable({ interval: 1_800_000 });
  const pcap = new PcapReader(packet => {
    const record = readRecord(packet);
    if (record) table.add(record, 0);
  });
  let told = 0;
  const begun = performance.now();
  for (let at = 0; at < stream.length; at += CHUNK) {
    pcap.push(stream.subarray(at, at + CHUNK));
    if (at % (CHUNK * 64) === 0) for (const { count } of table.take(0)) told += count;
  }
  for (const { count } of table.drain()) told += count;
  return { perSecond: (RECORDS / (performance.now() - begun)) * 1000, told };
}

const GROUP = 5;
const SECONDS = 4;
/** Datagrams a second: more than the goal, because the sender takes a moment to start. */
const FLOOD_RATE = 60_000;
const RULES = `table inet bench {
  counter seen { }
  chain out {
    type filter hook output priority 0
    meta l4proto udp counter name seen log prefix "A:1:" group ${GROUP} snaplen 96
  }
}
`;

/** Real packets on a host of its own, through the kernel's log and one tcpdump, into the table. */
async function throughKernel(): Promise<Row[]> {
  const lacking = missing();
  if (lacking.length > 0) {
    process.stdout.write(`without real packets: it needs ${lacking.join(', ')}\n`);
    return [];
  }
  const network = await openNetwork([{ name: 'host', addresses: ['10.0.0.1'] }]);
  const host = network.host('host');
  const table = new FlowTable({ interval: 1_800_000 });
  const source = tcpdumpSource({
    group: GROUP,
    clock: systemClock,
    program: [...host.enter, 'tcpdump', '-i', `nflog:${GROUP}`, '-w', '-', '-U', '--immediate-mode'],
    record: record => table.add(record, 0),
    interrupted: reason => process.stdout.write(`${reason}\n`),
  });
  try {
    await host.run('nft', ['-f', '-'], RULES);
    source.start();
    await sleep(1000);
    const before = process.cpuUsage();
    const begun = performance.now();
    await host.run(process.execPath, [FLOOD, String(FLOOD_RATE), String(SECONDS)]);
    const seconds = (performance.now() - begun) / 1000;
    await sleep(1000);
    const busy = process.cpuUsage(before);
    const counted = Number(/packets (\d+)/.exec(await host.run('nft', ['list', 'counters']))?.[1]);
    const received = table.received.get('A:1:') ?? 0;
    const lost = { value: counted - received, unit: 'records', what: 'lost, by the kernel’s own counter' };
    const cpu = ((busy.user + busy.system) / 1e6 / seconds) * 100;
    return [
      {
        name: 'real packets through the kernel’s log',
        value: received / seconds,
        unit: 'records/s',
        peer: lost,
      },
      { name: 'the same, share of one core that the agent’s process took', value: cpu, unit: '%' },
    ];
  } finally {
    await source.stop();
    await network.close();
  }
}

/** Flow records of a generated log stream, parsed and aggregated on one core; every record must be accounted for. */
export const bench: Bench = {
  name: 'flows',
  run: async () => [
    ...[100, 1].map((repeats): Row => {
      const stream = streamOf(repeats);
      read(stream);
      const { perSecond, told } = read(stream);
      if (told !== RECORDS) throw new Error(`${RECORDS - told} of ${RECORDS} records were lost`);
      const what = repeats === 1 ? 'each another conversation' : `each conversation ${repeats} times`;
      return {
        name: `parse and aggregate, ${what}, none lost`,
        value: perSecond,
        unit: 'records/s',
        peer: GOAL,
      };
    }),
    ...(await throughKernel()),
  ],
};

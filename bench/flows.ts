import { PcapReader } from '../clients/enforcer/flows/pcap.ts';
import { readRecord } from '../clients/enforcer/flows/record.ts';
import { FlowTable } from '../clients/enforcer/flows/table.ts';
import { fileHeader, made } from '../test/clients/enforcer/flows/pcap-stream.ts';
import type { Bench, Row } from './row.ts';

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

/** Flow records of a generated log stream, parsed and aggregated on one core; every record must be accounted for. */
export const bench: Bench = {
  name: 'flows',
  run: async () =>
    [100, 1].map((repeats): Row => {
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
};

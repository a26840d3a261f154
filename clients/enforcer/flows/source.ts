import type { Clock } from '../clock.ts';
import { Child } from './child.ts';
import { PcapReader } from './pcap.ts';
import { type LogRecord, readRecord } from './record.ts';

/** Where records of the data plane's log come from. Whatever it loses shows in the counters: see accounting.ts. */
export interface FlowSource {
  start(): void;
  stop(): Promise<void>;
  /** How often it had to begin anew. */
  readonly restarts: number;
  /** Process that reads, if one does. */
  readonly pid: number | undefined;
}

export interface Listening {
  /** The record is valid only until this returns. */
  record: (record: LogRecord) => void;
  /** Reading broke off, and begins anew. */
  interrupted: (reason: string) => void;
}

interface TcpdumpOptions extends Listening {
  /** Number of the log group; one reader a group. */
  group: number;
  clock: Clock;
  pidFile?: string;
  /** For tests: another program with the same output. */
  program?: readonly [string, ...string[]];
}

/** Prints what is logged to a group, as a stream of pcap. */
export const recordsOf = (group: number): readonly [string, ...string[]] => {
  const written = ['-w', '-', '-U', '--immediate-mode'] as const;
  return ['tcpdump', '-i', `nflog:${group}`, ...written];
};

/**
 * Netfilter's log through one tcpdump, which needs no native code of ours. There is no small snapshot length: with one,
 * packets were lost. The data plane cuts what it logs.
 */
export function tcpdumpSource({ group, clock, pidFile, program, ...on }: TcpdumpOptions): FlowSource {
  const command = program ?? recordsOf(group);
  return new Child({
    command: () => command,
    reader: () => {
      const pcap = new PcapReader(packet => {
        const record = readRecord(packet);
        if (record) on.record(record);
      });
      return chunk => pcap.push(chunk);
    },
    ended: on.interrupted,
    clock,
    ...(pidFile === undefined ? {} : { pidFile }),
  });
}

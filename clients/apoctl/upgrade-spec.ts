import { type Command, Option } from 'commander';
import { fail } from '../../shared/schema/failure.ts';
import { readObjects } from './documents.ts';
import type { Io } from './io.ts';
import * as options from './options.ts';
import type { Attributes } from './values.ts';

/** What is said of an upgrade on the command line. */
export interface SpecOptions {
  file?: string;
  name?: string;
  targetVersion?: string;
  selector?: string[];
  recursive: boolean;
  canary?: string;
  waves?: string;
  maxConcurrency?: string;
  failureThreshold?: string;
  probe?: string[];
  soak?: string;
  hostTimeout?: string;
  schedule?: string;
  mode?: string;
  allowDowngrade?: boolean;
  forceCheck?: string[];
}

/** The options that become attributes of the upgrade. */
export const withSpec = (command: Command): Command =>
  command
    .option('-f, --file <path>', 'YAML or JSON with the attributes of the upgrade; - is standard input')
    .option('--name <name>', 'what it is called')
    .option('--target-version <version>', '`latest`, a version, or `namespace`: the default of the namespace')
    .option(
      '--selector <tags>',
      'enforcers that have all these tags, apart by spaces; repeatable: any',
      options.each,
    )
    .option('--no-recursive', 'only enforcers of this very namespace')
    .option('--canary <hosts>', 'hosts of the first wave, before all others; 0: none')
    .option('--waves <count>', 'into how many waves the others are divided')
    .option('--max-concurrency <hosts>', 'hosts at a time')
    .option('--failure-threshold <share>', 'failures of a wave that are put up with: 3, or 5%')
    .option(
      '--probe <probe>',
      'connection that each host tries afterwards: [name=]pass|fail:tcp/443@address; repeatable',
      options.each,
    )
    .option('--soak <duration>', 'how long a wave is watched before it is judged')
    .option('--host-timeout <duration>', 'how long a host may take for each step')
    .option('--schedule <time>', 'when to begin: RFC 3339, such as 2026-12-24T02:00:00Z')
    .addOption(
      new Option('--mode <mode>', 'what becomes of the rules meanwhile').choices([
        'keep-rules',
        'strict-clean',
      ]),
    )
    .option('--allow-downgrade', 'an older version than a host has is no mistake')
    .option('--force-check <name>', 'let this check of the preflight fail; repeatable', options.each);

/** `db=pass:tcp/5432@10.0.0.7`; without a name it is its own. */
export function probeOf(text: string): Attributes {
  const parts = /^(?:([^=]+)=)?(pass|fail):((?:tcp|udp)\/\d{1,5})@(\S+)$/.exec(text);
  if (!parts) {
    throw fail('bad_request', `--probe wants [name=]pass|fail:tcp/443@address, not \`${text}\``);
  }
  const [, name, expect = '', protocolPort = '', host = ''] = parts;
  return { name: name ?? `${protocolPort}@${host}`.slice(0, 64), expect, protocolPort, host };
}

const tagsOf = (text: string): string[] => text.split(/\s+/).filter(tag => tag !== '');

/** The body that begins an upgrade: the file, and what the options say over it. */
export async function specOf(io: Io, said: SpecOptions): Promise<Attributes> {
  const [file = {}, ...more] = said.file === undefined ? [] : await readObjects(io, said.file);
  if (more.length > 0) throw fail('bad_request', `-f holds ${more.length + 1} objects; an upgrade is one`);
  const number = (text: string | undefined, flag: string) =>
    text === undefined ? undefined : options.wholeNumber(text, flag);
  const over = {
    name: said.name,
    targetVersion: said.targetVersion,
    selector: said.selector?.map(tagsOf),
    recursive: said.recursive ? undefined : false,
    canary: number(said.canary, '--canary'),
    waves: number(said.waves, '--waves'),
    maxConcurrency: number(said.maxConcurrency, '--max-concurrency'),
    failureThreshold: said.failureThreshold,
    healthProbe: said.probe?.map(probeOf),
    soak: said.soak,
    hostTimeout: said.hostTimeout,
    schedule: said.schedule,
    mode: said.mode,
    allowDowngrade: said.allowDowngrade,
    forceChecks: said.forceCheck,
  };
  return { ...file, ...Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined)) };
}

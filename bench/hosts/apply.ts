import { hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Input, type Nft, nftCommand } from '../../clients/enforcer/nft/command.ts';
import { interactiveNft } from '../../clients/enforcer/nft/interactive.ts';
import { openDataPlane } from '../../clients/enforcer/nft/plane.ts';
import { PeerList } from '../../shared/core/peer-list.ts';
import { PAYLOADS, type PayloadName } from '../../shared/schema/bundle.ts';
import { NAME, policyOf } from './fixture.ts';
import { processorTime } from './processor.ts';

/** What one process measured that enforces policies from files: `apply.ts <folder> <number of deltas> <of rulings>`. As many answers as deltas follow. */
export interface Applying {
  /** Milliseconds. */
  first: number;
  /** Of the processors, in the same: its own threads and the runs of nft. */
  busy: number;
  /** The same as `deltas`, of nft alone: `-f` and the read-back. */
  nft: number[];
  /** Reading a payload of peers from its bytes, by delta. */
  parsing: number[];
  /** A delta, from the payload that was read to the kernel, by delta. */
  deltas: number[];
  /** Of the processors, in this process, for a delta with reading, by delta. */
  spent: number[];
  /** A name that leads to another address, from the answer to the kernel, by answer; and in nft, with the read-back. */
  answers: number[];
  told: number[];
  /** One ruleset that says something else, from the bytes of the bundle to the kernel, by change; and of the processors. */
  rulings: number[];
  ruled: number[];
  /** Bytes. */
  resident: number;
  /** File with what nft was told at first. */
  script: string;
}

const [folder = '', deltas = '0', rulings = '0'] = process.argv.slice(2);
let inNft = 0;
let script = '';

/** The same, but what is told in pieces is also kept: the first load. */
function told(input: Input | undefined): Input | undefined {
  if (typeof input !== 'object') return input;
  const { pieces } = input;
  script = '';
  return {
    pieces: (function* () {
      for (const piece of pieces) {
        script += piece;
        yield piece;
      }
    })(),
  };
}

/** The same, but timed. */
const timed =
  (nft: Nft): Nft =>
  async (args, input, line) => {
    const begun = performance.now();
    const ran = await nft(args, told(input), line);
    inNft += performance.now() - begun;
    return ran;
  };
const plane = openDataPlane({ nft: timed(nftCommand()), quick: timed(interactiveNft()) });

const digests = { 'directives.json': '', 'peers.json': '', 'policy.json': '' };
function read<N extends PayloadName>(name: N, file: string) {
  const bytes = readFileSync(join(folder, file));
  digests[name] = hash('sha256', bytes, 'hex');
  return PAYLOADS[name].parse(JSON.parse(bytes.toString())) as ReturnType<(typeof PAYLOADS)[N]['parse']>;
}

let policy = read('policy.json', 'policy.json') as Parameters<typeof policyOf>[0];
const measured: Applying = {
  first: 0,
  busy: 0,
  parsing: [],
  deltas: [],
  spent: [],
  nft: [],
  answers: [],
  told: [],
  rulings: [],
  ruled: [],
  resident: 0,
  script: '',
};

let before: PeerList | undefined;

/** As an agent does: of peers only what differs from those before is read. */
function readPeers(file: string): PeerList {
  const bytes = readFileSync(join(folder, file));
  digests['peers.json'] = hash('sha256', bytes, 'hex');
  before = PeerList.read(bytes, before);
  return before;
}

/** Two that stay, because services have several, and one that is another each time. */
const namesAt = (at: number) => new Map([[NAME, ['198.51.100.1', '198.51.100.2', `203.0.113.${at}`]]]);
let names = namesAt(0);

async function makeActive(peers: PeerList): Promise<void> {
  const applied = await plane.apply(policyOf(policy, peers, { ...digests }, names));
  if (applied.outcome !== 'applied' || !applied.changed) throw new Error(JSON.stringify(applied));
}

async function apply(file: string): Promise<{ parsing: number; applying: number; busy: number }> {
  const begun = performance.now();
  const peers = readPeers(file);
  const [parsed, before] = [performance.now(), processorTime()];
  await makeActive(peers);
  const busy = processorTime() - before;
  return { parsing: parsed - begun, applying: performance.now() - parsed, busy };
}

({ applying: measured.first, busy: measured.busy } = await apply('peers.json'));
measured.script = join(folder, `${process.pid}.nft`);
writeFileSync(measured.script, script);
script = '';
for (let at = 0; at < Number(deltas); at++) {
  inNft = 0;
  const begun = processorTime();
  const { parsing, applying } = await apply(`peers-${at}.json`);
  measured.spent.push(processorTime() - begun);
  measured.nft.push(inNft);
  measured.parsing.push(parsing);
  measured.deltas.push(applying);
}
for (let at = 1; before && at <= Number(deltas); at++) {
  inNft = 0;
  const begun = performance.now();
  names = namesAt(at);
  await makeActive(before);
  measured.answers.push(performance.now() - begun);
  measured.told.push(inNft);
}
/** Milliseconds: as changes come in life, with time to give memory back in between. */
const BETWEEN = 2500;
for (let at = 0; before && at < Number(rulings); at++) {
  await sleep(BETWEEN);
  const [begun, busy] = [performance.now(), processorTime()];
  policy = read('policy.json', `policy-${at}.json`) as typeof policy;
  await makeActive(before);
  measured.rulings.push(performance.now() - begun);
  measured.ruled.push(processorTime() - busy);
}
// As in an agent, a whole comparison comes after a load; then there is time to give memory back.
const compared = await plane.reconcile();
if ('outcome' in compared || compared.mended) throw new Error(JSON.stringify(compared));
script = '';
await sleep(4000);
measured.resident = process.memoryUsage.rss();
process.stdout.write(JSON.stringify(measured));

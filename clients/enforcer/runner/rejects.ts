import type { Clock } from '../clock.ts';
import { nftCommand } from '../nft/command.ts';

/** Milliseconds over which rejected flows are counted. */
const WINDOW = 10_000;
/** Flows of a window below which a rate says nothing. */
const FEW = 10;

/** Flows that the rules have rejected so far: what counts a flow stands beside what logs its verdict. */
export function rejectedIn(listing: string): number {
  const rejects = new Set([...listing.matchAll(/log prefix "R:([0-9a-f]+):"/g)].map(([, id]) => id));
  let packets = 0;
  for (const [, id, count] of listing.matchAll(/counter n_([0-9a-f]+) \{\s*packets (\d+)/g))
    if (rejects.has(id)) packets += Number(count);
  return packets;
}

const read = async (): Promise<number> => {
  const { code, stdout } = await nftCommand()(['list', 'table', 'inet', 'prisma']);
  return code === 0 ? rejectedIn(stdout) : 0;
};

/** Rejected flows a minute, watched for a while; 0 when there are too few to tell a rate. */
export async function rejectedPerMinute(clock: Clock): Promise<number> {
  const [before, begun] = [await read(), clock.elapsed()];
  await clock.sleep(WINDOW);
  const rejected = (await read()) - before;
  return rejected < FEW ? 0 : Math.round((rejected * 60_000) / (clock.elapsed() - begun));
}

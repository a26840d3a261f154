import type { RefusalReason } from '../data-plane.ts';
import { NO_ANSWER, type Ran } from './command.ts';

/** The kernel, or nft, did not take what it was told. */
export class Refused extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

const firstLines = (text: string): string => text.trim().split('\n').slice(0, 2).join(' ');

/** What it said about that, in our words. */
export function refusalOf({ code, stderr }: Ran): Refused {
  if (code === 127)
    return new Refused('no_nft', `nft cannot be started: ${stderr}; install the package nftables`);
  if (code === NO_ANSWER)
    return new Refused(
      'no_answer',
      `nft gave ${stderr} and was ended; look for others that hold the rules: ps -C nft,iptables`,
    );
  if (/Operation not permitted/.test(stderr))
    return new Refused('not_permitted', `${firstLines(stderr)}; the capability NET_ADMIN is needed`);
  return new Refused('rejected_by_kernel', firstLines(stderr) || `nft ended with ${code}`);
}

import type { HostFacts } from '../../schema/host-facts.ts';
import { type Found, listed, stop, warn } from './check.ts';

type Refused = NonNullable<HostFacts['refusedRules']>[number];

/**
 * What the kernel needs for what stands in an agent's rules: first word of an expression or statement → modules. What is not listed is
 * of `nf_tables` itself.
 */
export const NEEDED_BY: Readonly<Record<string, readonly string[]>> = {
  ct: ['nf_conntrack', 'nft_ct'],
  fib: ['nft_fib', 'nft_fib_ipv4', 'nft_fib_ipv6', 'nft_fib_inet'],
  limit: ['nft_limit'],
  log: ['nft_log', 'nfnetlink_log'],
  socket: ['nf_socket_ipv4', 'nf_socket_ipv6', 'nft_socket'],
};

/** Without it everything but units by control group is enforced. */
const SPARED = 'socket';

const kindOf = ({ expression }: Refused): string => expression.split(/\s/)[0] ?? '';
/** nft has read it, and the kernel says no; else nft itself does not know the word. */
const isKernels = ({ reason }: Refused): boolean => /^Could not process rule/.test(reason);

const saidOf = ({ expression, reason }: Refused): string => `\`${expression}\` (${reason})`;

function remedyOf(refused: readonly Refused[]): string {
  const modules = refused.filter(isKernels).flatMap(one => NEEDED_BY[kindOf(one)] ?? ['nf_tables']);
  return [
    ...(modules.length > 0
      ? [
          `modprobe ${[...new Set(modules)].join(' ')}; where a module is missing install the rest of them ` +
            '(Ubuntu: linux-modules-extra-$(uname -r), RHEL: kernel-modules), or take another kernel',
        ]
      : []),
    ...(refused.every(isKernels) ? [] : ['update the package nftables to 1.0.6']),
  ].join('; ');
}

/** What a host says that was told to check an agent's rules; undefined: it takes them, or nobody tried. */
export function refusal({
  refusedRules = [],
  kernel,
}: Pick<HostFacts, 'refusedRules' | 'kernel'>): Found | undefined {
  if (refusedRules.length === 0) return undefined;
  const said = listed(refusedRules.map(saidOf));
  if (refusedRules.every(one => kindOf(one) === SPARED))
    return warn(`kernel ${kernel} can't tell units by control group: ${said}`, remedyOf(refusedRules));
  return stop(`kernel ${kernel} does not take the rules of an agent: ${said}`, remedyOf(refusedRules));
}

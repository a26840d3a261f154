import type { HostFacts } from '../../shared/schema/host-facts.ts';

type Reached = Pick<HostFacts, 'egress' | 'clockSkew' | 'interceptedBy'>;

const codeOf = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
};

/** Errors of a certificate that nobody here trusts. */
const UNTRUSTED = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/** Whether the API answers, whose certificate it shows, and what time it says. Its Date has whole seconds. */
export async function reach(
  api: string,
  fetch: typeof globalThis.fetch,
  now: () => number,
): Promise<Reached> {
  const { host } = new URL(api);
  try {
    const before = now();
    const response = await fetch(`${api}/_meta/config`, { signal: AbortSignal.timeout(10_000) });
    const said = Date.parse(response.headers.get('date') ?? '');
    const middle = (before + now()) / 2;
    const skew = Number.isNaN(said) ? null : (middle - (said + 500)) / 1000;
    const outcome = response.ok ? '' : `it answered ${response.status}`;
    return { egress: { [host]: outcome }, clockSkew: skew, interceptedBy: '' };
  } catch (error) {
    const code = codeOf(error);
    const interceptedBy = UNTRUSTED.includes(code) ? 'an authority that this host does not trust' : '';
    return { egress: { [host]: code }, clockSkew: null, interceptedBy };
  }
}

import type { HostFacts, PreflightContext, PreflightFinding } from '../../schema/host-facts.ts';

/** What a check found. A check that does not concern the host finds nothing. */
export type Found = Pick<PreflightFinding, 'result' | 'message' | 'remedy'>;
export type Check = (facts: HostFacts, context: PreflightContext) => Found | undefined;

export const pass = (message: string): Found => ({ result: 'pass', message, remedy: '' });
export const warn = (message: string, remedy: string): Found => ({ result: 'warn', message, remedy });
export const stop = (message: string, remedy: string): Found => ({ result: 'fail', message, remedy });

/** `a, b and c` */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** Numbers of a version such as `v1.20.4-gke.100`; what is missing counts as 0. */
export const numbersOf = (version: string): number[] =>
  (/^v?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? '').split('.').map(Number);

/** True when the version is at least `least`; an unreadable one is not. */
export function atLeast(version: string, least: string): boolean {
  const [own, wanted] = [numbersOf(version), numbersOf(least)];
  for (const [index, number] of wanted.entries()) {
    const difference = (own[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return version !== '';
}

/**
 * Releases that the original supported: `ID` of os-release → inclusive ranges of `VERSION_ID`. A bound without a minor
 * version means the whole major one, because Debian and Amazon Linux do not tell theirs. Source: its requirements of
 * 2021 and 2022.
 */
const SUPPORTED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  amzn: [['2', '2']],
  centos: [
    ['7.3', '7.9'],
    ['8.0', '8.3'],
  ],
  debian: [
    ['9', '9'],
    ['10', '10'],
  ],
  ol: [['7.2', '7.9']],
  rhel: [
    ['7.1', '7.9'],
    ['8.0', '8.3'],
  ],
  sles: [
    ['12.3', '12.3'],
    ['12.5', '12.5'],
    ['15.2', '15.3'],
  ],
  ubuntu: [
    ['16.04', '16.04'],
    ['18.04', '18.04'],
    ['20.04', '20.04'],
  ],
};

const parts = (version: string): number[] => version.split('.').map(Number);

/** Compares as far as the bound goes: `7` has every 7.x in it. A version without a minor fits any minor. */
function compare(version: readonly number[], bound: readonly number[]): number {
  for (const [index, number] of bound.entries()) {
    const own = version[index];
    if (own === undefined) return 0;
    if (own !== number) return own - number;
  }
  return 0;
}

/** `listed` by the original; `newer` than all that it lists of the distribution; `older`, between them; or `unknown`. */
export function support(distribution: string, version: string): 'listed' | 'newer' | 'older' | 'unknown' {
  const ranges = Object.hasOwn(SUPPORTED, distribution) ? SUPPORTED[distribution] : undefined;
  const own = parts(version);
  if (!ranges || own.some(Number.isNaN)) return 'unknown';
  const inside = ranges.some(
    ([low, high]) => compare(own, parts(low)) >= 0 && compare(own, parts(high)) <= 0,
  );
  if (inside) return 'listed';
  const last = ranges.at(-1)?.[1] ?? '';
  return compare(own, parts(last)) > 0 ? 'newer' : 'older';
}

/** A stretch of whole numbers, both ends in it, and what holds there. */
export interface Span<T> {
  from: number;
  to: number;
  value: T;
}

interface Gap {
  from: number;
  to: number;
}

/** Position of the first gap that ends at `from` or later. */
function firstAt(gaps: readonly Gap[], from: number): number {
  let [low, high] = [0, gaps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gaps[middle]?.to ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Who has each number from 0 to `highest`: of the claims on it the earliest. Numbers that nobody claims are left out.
 * Sorted, without overlaps.
 */
export function firstCome<T>(highest: number, claims: Iterable<Span<T>>): Span<T>[] {
  const gaps: Gap[] = [{ from: 0, to: highest }];
  const taken: Span<T>[] = [];
  for (const { from, to, value } of claims) {
    if (gaps.length === 0) break;
    const at = firstAt(gaps, from);
    const left: Gap[] = [];
    let end = at;
    for (let gap = gaps[end]; gap && gap.from <= to; gap = gaps[++end]) {
      taken.push({ from: Math.max(from, gap.from), to: Math.min(to, gap.to), value });
      if (gap.from < from) left.push({ from: gap.from, to: from - 1 });
      if (gap.to > to) left.push({ from: to + 1, to: gap.to });
    }
    gaps.splice(at, end - at, ...left);
  }
  return taken.sort((a, b) => a.from - b.from);
}

/** Both at once over 0 to `highest`, whole: each stretch where neither changes. */
export function overlay<A, B>(
  highest: number,
  as: readonly Span<A>[],
  bs: readonly Span<B>[],
): Span<[A | undefined, B | undefined]>[] {
  const starts = new Set([0]);
  for (const { from, to } of [...as, ...bs]) starts.add(from).add(to + 1);
  const sorted = [...starts].filter(start => start <= highest).sort((a, b) => a - b);
  let [a, b] = [0, 0];
  return sorted.map((from, index) => {
    while ((as[a]?.to ?? highest) < from) a++;
    while ((bs[b]?.to ?? highest) < from) b++;
    const holds = <T>(span: Span<T> | undefined) => (span && span.from <= from ? span.value : undefined);
    return { from, to: (sorted[index + 1] ?? highest + 1) - 1, value: [holds(as[a]), holds(bs[b])] };
  });
}

/** Neighbours with the same value, by `same`, made one. */
export function joined<T>(spans: readonly Span<T>[], same: (a: T, b: T) => boolean): Span<T>[] {
  const result: Span<T>[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last && last.to + 1 === span.from && same(last.value, span.value)) last.to = span.to;
    else result.push({ ...span });
  }
  return result;
}

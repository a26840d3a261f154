/** Where an object of the input applies. */
export interface Placed {
  /** Relative to the export, without dots: empty for its own namespace, `a/b` below. */
  namespace: string;
  /** It is of an ancestor's export; then `namespace` says nothing. */
  above: boolean;
  propagate: boolean;
}

/** `./a`, `/a`, `a` → `a`; `.` and nothing → empty. */
export const relativePath = (written: string): string => written.replace(/^\.?\/*/, '').replace(/\/+$/, '');

const isWithin = (path: string, ancestor: string): boolean =>
  ancestor === '' || path === ancestor || path.startsWith(`${ancestor}/`);

/** Is there a namespace in which both apply? */
export function meet(a: Placed, b: Placed): boolean {
  if (a.above || b.above) return (!a.above || a.propagate) && (!b.above || b.propagate);
  if (a.namespace === b.namespace) return true;
  if (isWithin(a.namespace, b.namespace)) return b.propagate;
  return isWithin(b.namespace, a.namespace) && a.propagate;
}

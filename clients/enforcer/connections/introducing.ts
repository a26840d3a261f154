import type { DataPlane, HostPolicy } from '../data-plane.ts';

/**
 * The same data plane, for connections that are older than its rules: the kernel tracks none on a host where nothing asked
 * for it, nor while somebody else's change has taken the rules away. `introduce` tells it of them:
 * before the rules judge
 * them, and once more of those that began while the rules came.
 */
export function introducing(
  plane: DataPlane,
  introduce: (which: { containers: boolean }) => Promise<void>,
): DataPlane {
  let isKnown = false;
  let which = { containers: false };
  const apply = async (policy: HostPolicy) => {
    // What the host forwards is judged for its units alone.
    which = { containers: policy.units.some(({ isHost, addresses }) => !isHost && addresses.length > 0) };
    if (isKnown) return plane.apply(policy);
    await introduce(which);
    const applied = await plane.apply(policy);
    if (applied.outcome === 'refused') return applied;
    isKnown = true;
    await introduce(which);
    return applied;
  };
  const reconcile = async () => {
    const result = await plane.reconcile();
    if ('mended' in result && result.mended) await introduce(which);
    return result;
  };
  return {
    apply,
    reconcile,
    watch: changed => plane.watch(changed),
    counters: () => plane.counters(),
    isThere: () => plane.isThere(),
    meaning: id => plane.meaning(id),
    remove: () => {
      isKnown = false;
      return plane.remove();
    },
  };
}

import type { RunnerPlaces } from '../../ports/runner-place.ts';

/** One process has no way to other machines but the bundles that their agents fetch. */
export const noRunnerPlaces: RunnerPlaces = { on: () => undefined };

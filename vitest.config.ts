import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of the net lane that take longest, the longest first. A fresh checkout knows of none, and one that begins last runs alone. */
const LONGEST = [
  'upgrade/upgrade',
  'upgrade/failing',
  'upgrade/kill9',
  'upgrade/systemd',
  'install',
  'upgrade/away',
  'changes/updates',
  'demo',
  'flows',
  'odd-hosts',
  'away',
  'full-disk',
  'upgrade/ssm',
  'names',
  'life',
];

const pathOf = (name: string): string => `/test/net/${name}.test.ts`;
const stale = LONGEST.filter(name => !existsSync(`${import.meta.dirname}${pathOf(name)}`));
if (stale.length > 0) throw new Error(`vitest.config.ts, LONGEST: there is no ${stale.join(', ')}`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const turn = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex(name => moduleId.endsWith(pathOf(name)));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => turn(a) - turn(b) || rank(a) - rank(b));
  }
}

/**
 * `unit` is what `npm run check` runs; journeys start real processes and take longer; `aws` needs a wire endpoint, `net` root.
 * Projects that run at once must agree on their workers: each has its turn.
 */
export default defineConfig({
  test: {
    // As many as there are cores: vitest alone would leave one idle.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          testTimeout: 60_000,
          // Modules hold nothing that a test could leave behind, and loading them for each file takes longer than most files.
          isolate: false,
          exclude: ['test/journeys/**', 'test/aws/**', 'test/net/**'],
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['test/journeys/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'net',
          include: ['test/net/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Each file has networks and processes of its own, and waits as long as it works.
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'aws',
          include: ['test/aws/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});

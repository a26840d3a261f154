import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Hosts wait more than they work: more files at a time than there are cores. Each has networks and processes of its own. */
const HOSTS = { maxWorkers: 4, sequence: { groupOrder: 2 }, testTimeout: 300_000, hookTimeout: 300_000 };

/** Of the files that run side by side the upgrades begin: none takes longer, and one that came last would run alone. */
class UpgradesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const turn = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    const isUpgrade = ({ project }: TestSpecification) => Number(project.name === 'upgrades');
    return (await super.sort(files)).sort((a, b) => turn(a) - turn(b) || isUpgrade(b) - isUpgrade(a));
  }
}

/**
 * `unit` is what `npm run check` runs; journeys start real processes and take longer; `aws` needs a wire endpoint; `net` and
 * `upgrades` need root, and run at once. Projects that do must agree on their workers: every other has its turn.
 */
export default defineConfig({
  test: {
    // As many as there are cores: vitest alone would leave one idle.
    maxWorkers: '100%',
    sequence: { sequencer: UpgradesFirst },
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
          exclude: ['test/net/upgrade/**'],
          ...HOSTS,
        },
      },
      {
        test: {
          name: 'upgrades',
          include: ['test/net/upgrade/*.test.ts'],
          ...HOSTS,
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

import { defineConfig } from 'vitest/config';

/**
 * `unit` is what `npm run check` runs; journeys start real processes and take longer; `aws` needs a wire endpoint; `net` and
 * `upgrades`, which waits more than it works, need root. Projects that run at once must agree on their workers: each has its turn.
 */
export default defineConfig({
  test: {
    // As many as there are cores: vitest alone would leave one idle.
    maxWorkers: '100%',
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
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'upgrades',
          include: ['test/net/upgrade/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 3,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'aws',
          include: ['test/aws/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});

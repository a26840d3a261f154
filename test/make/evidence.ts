import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/**
 * `npm run evidence`: runs what shows the promises that no single sentence can, and writes docs/evidence.md with the
 * claims that passed and the lines that were printed. Takes several minutes.
 */
const PARTS: readonly { title: string; project: 'unit' | 'journeys'; files: readonly string[] }[] = [
  {
    title: 'Attacks on a bundle',
    project: 'unit',
    files: ['test/bundle/attacks.test.ts', 'test/bundle/recovery.test.ts', 'test/bundle/restart.test.ts'],
  },
  {
    title: 'Workflows killed at every transition',
    project: 'unit',
    files: ['test/statemachines/onboard-account.test.ts', 'test/local/workflows.test.ts'],
  },
  {
    title: 'An import killed at every transition and around every write',
    project: 'journeys',
    files: ['test/journeys/kill-import.test.ts'],
  },
  {
    title: 'Processes killed with SIGKILL',
    project: 'journeys',
    files: [
      'test/journeys/kill9.test.ts',
      'test/journeys/kill-onboarding.test.ts',
      'test/journeys/kill9-store.test.ts',
    ],
  },
  {
    title: 'Starting, and damaged files',
    project: 'journeys',
    files: ['test/journeys/start.test.ts', 'test/journeys/damage.test.ts'],
  },
];

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
/** What vitest says beside the claims: where a printed line comes from, and its own summary. */
const NOISE = /^(RUN|stdout \||stderr \||Test Files|Start at|Duration|$)/;

function run(
  project: string,
  files: readonly string[],
): { command: string; lines: string[]; passed: boolean } {
  const args = ['vitest', 'run', '--project', project, '--reporter=verbose', ...files];
  const { stdout, status } = spawnSync('npx', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const lines = stdout
    .replace(COLOURS, '')
    .split('\n')
    .map(line => line.trim())
    .filter(line => !NOISE.test(line))
    .map(line => line.replace(/^✓ +\w+ +/, '✓ ').replace(/ \d+ms$/, ''));
  return { command: `npx ${args.join(' ')}`, lines, passed: status === 0 };
}

const sections: string[] = [];
for (const { title, project, files } of PARTS) {
  process.stdout.write(`${title} …\n`);
  const { command, lines, passed } = run(project, files);
  if (!passed) {
    process.stderr.write(
      `${lines.join('\n')}\n${title}: not everything passed; docs/evidence.md was left as it is\n`,
    );
    process.exit(1);
  }
  sections.push(`## ${title}\n\n\`${command}\`\n\n\`\`\`\n${lines.join('\n')}\n\`\`\`\n`);
}
const date = new Date().toISOString().slice(0, 10);
writeFileSync(
  'docs/evidence.md',
  `# Evidence\n\nWritten by \`npm run evidence\` on ${date}.\n\n${sections.join('\n')}`,
);
process.stdout.write('wrote docs/evidence.md\n');

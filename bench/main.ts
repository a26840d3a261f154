import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import type { Bench, Row } from './row.ts';

/** Every benchmark: `npm run bench [name…]`. Each file exports one. */
const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  compile: () => import('./compile.ts'),
  evaluate: () => import('./evaluate.ts'),
  publish: () => import('./publish.ts'),
  api: () => import('./api.ts'),
  enforcer: () => import('./enforcer.ts'),
  flows: () => import('./flows.ts'),
  ingest: () => import('./ingest.ts'),
  scale: () => import('./scale.ts'),
  reaction: () => import('./reaction.ts'),
  upgrade: () => import('./upgrade.ts'),
};

const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

const line = ({ name, value, unit, peer }: Row): string =>
  `${name}: ${number(value)} ${unit}${peer ? ` (${peer.what}: ${number(peer.value)} ${peer.unit})` : ''}`;

const machine = (): string => {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${memory} GiB, Linux ${release()}, Node ${process.version}`;
};

const document = (tables: ReadonlyMap<string, readonly Row[]>): string => {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const sections = [...tables].map(([name, rows]) => {
    const lines = rows.map(
      ({ name: what, value, unit, peer }) =>
        `| ${what} | ${number(value)} ${unit} | ${peer ? `${number(peer.value)} ${peer.unit}` : ''} | ${peer?.what ?? ''} |`,
    );
    return `## ${name}\n\n| what | measured | beside | which is |\n|---|---|---|---|\n${lines.join('\n')}\n`;
  });
  return `# Benchmarks

Written by \`npm run bench -- --write\`. Machines differ and are shared: look at the ratios.

Machine: ${machine()}. Date: ${new Date().toISOString().slice(0, 10)}. Commit: ${commit}.

${sections.join('\n')}`;
};

const args = process.argv.slice(2);
const wanted = args.filter(arg => !arg.startsWith('-'));
const unknown = wanted.filter(name => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
const tables = new Map<string, Row[]>();
for (const [name, load] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`# ${name}\n`);
  const rows = await (await load()).bench.run();
  for (const row of rows) process.stdout.write(`${line(row)}\n`);
  tables.set(name, rows);
}
if (args.includes('--write')) await writeFile('docs/benchmarks.md', document(tables));

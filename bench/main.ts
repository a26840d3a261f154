import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
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
  import: () => import('./import.ts'),
  ingest: () => import('./ingest.ts'),
  scale: () => import('./scale.ts'),
  fleet: () => import('./fleet.ts'),
  push: () => import('./push.ts'),
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

const PAGE = 'docs/benchmarks.md';

const section = (name: string, rows: readonly Row[]): string => {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  const lines = rows.map(
    ({ name: what, value, unit, peer }) =>
      `| ${what} | ${number(value)} ${unit} | ${peer ? `${number(peer.value)} ${peer.unit}` : ''} | ${peer?.what ?? ''} |`,
  );
  return `## ${name}

${machine()}. ${date}, commit ${commit}.

| what | measured | beside | which is |
|---|---|---|---|
${lines.join('\n')}
`;
};

/** The page with what was measured now; what was not keeps its section, its machine and its date. */
function page(before: string, tables: ReadonlyMap<string, readonly Row[]>): string {
  const kept = new Map(before.split(/^(?=## )/m).map(text => [/^## (\S+)/.exec(text)?.[1] ?? '', text]));
  const sections = Object.keys(benches).flatMap(name => {
    const rows = tables.get(name);
    return rows ? section(name, rows) : (kept.get(name)?.trimEnd().concat('\n') ?? []);
  });
  return `# Benchmarks

Written by \`npm run bench -- --write\`, or for some of them \`npm run bench <name…> -- --write\`. Machines differ and are shared: look at
the ratios.

${sections.join('\n')}`;
}

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
if (args.includes('--write')) await writeFile(PAGE, page(await readFile(PAGE, 'utf8'), tables));

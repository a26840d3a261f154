import type { Finding, Report } from './run.ts';

const finding = ({ what, message, lines, seed, path }: Finding): string =>
  [
    `BROKEN ${what}`,
    message,
    `seed ${seed}, path ${path}; the last of these requests shows it:`,
    ...lines.map(line => (line.length > 4000 ? `${line.slice(0, 4000)}…` : line)),
    '',
  ].join('\n');

/** The counts by operation and status, and what was found. */
export function shown({ seed, requests, stories, counts, slowest, findings }: Report): string {
  const statuses = [...new Set([...counts.values()].flatMap(of => [...of.keys()]))].sort((a, b) => a - b);
  const row = (name: string, cells: readonly (string | number)[]) =>
    `${name.padEnd(36)}${cells.map(cell => String(cell).padStart(8)).join('')}`;
  const sum = (status: number) =>
    [...counts.values()].reduce((total, of) => total + (of.get(status) ?? 0), 0);
  const rows = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([operation, of]) =>
      row(
        operation,
        statuses.map(status => of.get(status) ?? ''),
      ),
    );
  return [
    ...findings.map(finding),
    row('operation', statuses),
    ...rows,
    row('all', statuses.map(sum)),
    '',
    `${requests} requests in ${stories} stories, seed ${seed}, slowest answer ${Math.round(slowest)} ms, ${findings.length} laws broken`,
    '',
  ].join('\n');
}

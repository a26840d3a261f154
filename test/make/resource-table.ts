import { type Route as FullRoute, operations, routes } from '../../shared/api/routes.ts';
import { resourceOf } from '../../shared/schema/resources.ts';
import { ABSENT_RELATIONS, ORIGINAL, type OriginalResource } from './original.ts';

type Route = Pick<FullRoute, 'method' | 'path' | 'group' | 'summary' | 'crud'>;

/** The one that is no request with an answer. */
const events: Route = {
  method: 'GET',
  path: '/events',
  group: 'events',
  summary: 'Tells of changes as they happen, over a WebSocket: [push-events.md](push-events.md).',
};

const all: readonly Route[] = [...operations.map(operation => routes[operation]), events];
const first = ({ path }: Route): string => path.split('/')[1] ?? '';
const servedAt = (path: string): Route[] => all.filter(route => first(route) === path);

/** `GET HEAD POST /x`, one path a line. */
function callsOf(served: readonly Route[]): string {
  const paths = [...new Set(served.map(({ path }) => path))].sort();
  return paths
    .map(path => {
      const methods = served.filter(route => route.path === path).map(({ method }) => method);
      return `\`${methods.sort().join(' ')} ${path}\``;
    })
    .join('<br>');
}

const isDeprecated = ({ group, summary }: Route): boolean =>
  group === 'legacy' || /^Deprecated/.test(summary);

function stateOf(served: readonly Route[]): string {
  if (served.length === 0) return 'absent';
  if (served.every(({ group }) => group === 'legacy')) return 'deprecated, inert';
  return served.some(isDeprecated) ? 'deprecated' : 'supported';
}

/** What is said of it: why it is absent, or what it is. */
function remarkOf({ absent = '' }: OriginalResource, served: readonly Route[]): string {
  if (served.length === 0) return absent;
  const identity = served.find(({ crud }) => crud)?.crud?.identity;
  if (!identity) return served.map(({ summary }) => summary).join(' ');
  const { summary, aliases } = resourceOf(identity);
  return `${summary}${aliases.length > 0 ? ` (also: ${aliases.join(', ')})` : ''}`;
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const rowOf = (resource: OriginalResource): string => {
  const served = servedAt(resource.path);
  return row([resource.identity, stateOf(served), callsOf(served), remarkOf(resource, served)]);
};

/** docs/resources.md: the resources of the original, and those that are ours. */
export function resourceTable(): string {
  const known = new Set(ORIGINAL.map(({ path }) => path));
  const ours = [...new Set(all.map(first))].filter(path => !known.has(path)).sort();
  const states = ORIGINAL.map(({ path }) => stateOf(servedAt(path)));
  const count = (state: string): number => states.filter(one => one === state).length;
  return `${[
    '# Resources',
    '',
    'Made from the table of operations (`shared/api/routes.ts`) by `npm run make`. Parameters and bodies are in',
    '[openapi.json](openapi.json).',
    '',
    `Of the ${ORIGINAL.length} resources that the original documents, ${count('supported')} are supported, ${count('deprecated') + count('deprecated, inert')} are deprecated, as they were there,`,
    `and ${count('absent')} are absent. *Inert* means: read, written, exported and converted, and without effect on any decision.`,
    '',
    '| resource | state | operations | what it is, or why it is absent |',
    '|---|---|---|---|',
    ...[...ORIGINAL].sort((a, b) => (a.identity < b.identity ? -1 : 1)).map(rowOf),
    '',
    '## Relations that are absent',
    '',
    '| relation | why |',
    '|---|---|',
    ...ABSENT_RELATIONS.map(row),
    '',
    '## Beyond the original',
    '',
    '| resource | operations | what it is |',
    '|---|---|---|',
    ...ours.map(path =>
      row([path, callsOf(servedAt(path)), remarkOf({ identity: path, path }, servedAt(path))]),
    ),
  ].join('\n')}\n`;
}

import { type Operation, operations, type Route, routes } from './routes.ts';

/** Which operation a request means, and the decoded `{name}`s of its path; or why none. */
export type Match =
  | { operation: Operation; route: Route; params: Record<string, string> }
  /** Nothing is served under the path. */
  | 'path'
  /** Something is, with other methods. */
  | 'method'
  /** No path has so many segments. */
  | 'long';

/** Segments of the longest path, without a version in front. */
const MOST_SEGMENTS = 3;

/** A version in front of a path means nothing; the original's clients send one. */
const VERSION = /^\/v\/\d+(?=\/)/;

const matchers = operations.map(operation => {
  const route: Route = routes[operation];
  return {
    operation,
    route,
    pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '([^/]+)')}$`),
    names: [...route.path.matchAll(/\{(\w+)\}/g)].map(match => match[1] ?? ''),
  };
});

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The operation of a method and a path as it was sent, without its query. HEAD means what GET means, where it is no operation of its own. */
export function match(method: string, path: string): Match {
  const plain = path.replace(VERSION, '');
  if (plain.split('/').length - 1 > MOST_SEGMENTS) return 'long';
  const there = matchers.flatMap(matcher => {
    const found = matcher.pattern.exec(plain);
    return found ? [{ ...matcher, found }] : [];
  });
  const of = (wanted: string) => there.find(({ route }) => route.method === wanted);
  const served = of(method) ?? (method === 'HEAD' ? of('GET') : undefined);
  if (!served) return there.length > 0 ? 'method' : 'path';
  const { operation, route, names, found } = served;
  const params = Object.fromEntries(names.map((name, index) => [name, decoded(found[index + 1] ?? '')]));
  return { operation, route, params };
}

/** A route of a gateway: which function gets what is sent to a path, by whichever method. */
export interface GatewayRoute {
  method: 'ANY';
  path: string;
  group: string;
}

const all: readonly Route[] = operations.map(operation => routes[operation]);
const firstSegment = ({ path }: Route): string => path.split('/')[1] ?? '';
const isDeep = ({ path }: Route): boolean => path.split('/').length > 2;

/**
 * What a gateway sends to which function: all that begins with the same segment, with or without a version in front. Which
 * operation it means is found out there, by `match`. A gateway of API Gateway has at most 300 routes, which is fewer than
 * there are operations.
 */
export const gatewayRoutes: readonly GatewayRoute[] = [...Map.groupBy(all, firstSegment)].flatMap(
  ([segment, own]) =>
    ['', '/v/{version}'].flatMap((version): GatewayRoute[] => {
      const group = own[0]?.group ?? '';
      const route = (rest: string): GatewayRoute => ({
        method: 'ANY',
        path: `${version}/${segment}${rest}`,
        group,
      });
      return own.some(isDeep) ? [route(''), route('/{rest+}')] : [route('')];
    }),
);

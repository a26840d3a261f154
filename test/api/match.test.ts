import { describe, expect, it } from 'vitest';
import { gatewayRoutes, match } from '../../shared/api/match.ts';
import { operations, routes } from '../../shared/api/routes.ts';

const filled = (path: string): string => path.replace(/\{\w+\}/g, 'a%2fb');

describe('a path', () => {
  it.each(operations)('of %s means it, with any version in front or none', operation => {
    const { method, path } = routes[operation];
    for (const prefix of ['', '/v/0', '/v/1', '/v/20260101']) {
      const found = match(method, `${prefix}${filled(path)}`);
      expect(found).toMatchObject({ operation });
      if (typeof found === 'object')
        expect(Object.values(found.params).every(value => value === 'a/b')).toBe(true);
    }
  });

  it('answers HEAD as GET, unless HEAD is an operation of its own', () => {
    expect(match('HEAD', '/namespaces/x')).toMatchObject({ operation: 'getNamespace' });
    expect(match('HEAD', '/namespaces')).toMatchObject({ operation: 'countNamespace' });
    expect(match('HEAD', '/issue')).toBe('method');
  });

  it.each([
    ['GET', '/', 'path'],
    ['GET', '/namespaces/', 'path'],
    ['GET', '/v/1', 'path'],
    ['GET', '/v/-1/namespaces', 'path'],
    ['GET', '/v/1/v/1/namespaces', 'path'],
    ['GET', '/a/b/c/d', 'long'],
    ['GET', '/well-known/jwks.json', 'path'],
    ['GET', '/xwell-known/jwks.json', 'path'],
    ['PATCH', '/namespaces', 'method'],
    ['get', '/namespaces', 'method'],
  ])('%s %s means nothing: %s', (method, path, why) => {
    expect(match(method, path)).toBe(why);
  });

  it('reaches the function of its group through a gateway, with a version in front and without', () => {
    const reached = (wanted: string, group: string): boolean =>
      gatewayRoutes.some(route => {
        const pattern = route.path.replace(/\{\w+\+\}/, '.+').replace(/\{\w+\}/g, '[^/]+');
        const fits = new RegExp(`^${pattern.replaceAll('.well', '\\.well')}$`).test(wanted);
        return fits && route.group === group;
      });
    for (const { path, group } of operations.map(operation => routes[operation])) {
      expect([path, reached(filled(path), group)]).toEqual([path, true]);
      expect([path, reached(`/v/1${filled(path)}`, group)]).toEqual([path, true]);
    }
  });

  it('shares its first segment only with paths of its own group, or an alias would lead astray', () => {
    const groupsOf = Map.groupBy(
      operations.map(operation => routes[operation]),
      ({ path }) => path.split('/')[1],
    );
    for (const [segment, all] of groupsOf)
      expect([segment, new Set(all.map(({ group }) => group)).size]).toEqual([segment, 1]);
  });
});

import type { Deps, IssuerSettings } from '../../functions/deps.ts';
import { openKeySets } from '../../shared/adapters/http/key-sets.ts';
import { openWeb } from '../../shared/adapters/http/web.ts';
import { Issue } from '../../shared/api/messages.ts';
import type { Web } from '../../shared/ports/web.ts';
import type { Answer } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { type Issuers, startIssuers } from './issuer.ts';

/** Milliseconds that tests wait for a server: less than the product does. */
const PATIENCE = 500;

/** Sends what is meant for some origins to others; what else is asked goes where it says. */
export const rerouted = (web: Web, routes: Readonly<Record<string, string>>): Web => ({
  send: (request, limits) => {
    const to = routes[request.url.origin];
    const soon = { ...limits, milliseconds: Math.min(limits.milliseconds, PATIENCE) };
    if (to === undefined) return web.send(request, soon);
    const url = new URL(`${to}${request.url.pathname}`);
    return web.send(
      { ...request, url, headers: { ...request.headers, 'x-meant-for': request.url.host } },
      soon,
    );
  },
});

export interface World {
  plane: Plane;
  issuers: Issuers;
  /** `POST /issue` */
  issue(body: object, query?: string): Promise<Answer>;
  /** The token of an answer; fails the test when there is none. */
  token(answer: Answer): string;
  /** Seconds since the epoch. */
  now(): number;
  stop(): Promise<void>;
}

/** The API with issuers on loopback, and the web adapter as it is. `routes`: origin → where that really is. */
export async function openWorld(
  setUp: (issuers: Issuers) => {
    routes?: Record<string, string>;
    settings?: Partial<IssuerSettings>;
    origins?: string[];
  } = () => ({}),
): Promise<World> {
  const issuers = await startIssuers();
  const { routes = {}, settings = {}, origins = [] } = setUp(issuers);
  const web = rerouted(openWeb({ privateOrigins: [issuers.origin, ...origins] }), routes);
  const plane = await openPlane(
    (deps): Deps => ({
      ...deps,
      web,
      keySets: openKeySets(web, deps.clock),
      issuers: { ...deps.issuers, ...settings },
    }),
  );
  return {
    plane,
    issuers,
    issue: (body, query = '') => plane.call(`POST /issue${query}`, { body }),
    token: answer => {
      const { token } = Issue.parse(JSON.parse(answer.text));
      if (token === undefined) throw new Error(`no token: ${answer.text}`);
      return token;
    },
    now: () => Math.floor(plane.clock.now().getTime() / 1000),
    stop: async () => {
      await plane.stop();
      await issuers.stop();
    },
  };
}

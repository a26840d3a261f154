import * as fc from 'fast-check';
import { fail } from '../../shared/schema/failure.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { door } from './door.ts';
import { Broken } from './laws.ts';
import { lookBack } from './look-back.ts';
import { type Planned, stories } from './requests.ts';
import { act, begin, type Story, type Tokens } from './story.ts';

export interface Finding {
  /** Law and operation. */
  what: string;
  message: string;
  /** Requests of the shortest story that breaks the law, as curl lines. */
  lines: readonly string[];
  seed: number;
  path: string;
}

export interface Report {
  seed: number;
  requests: number;
  stories: number;
  /** Operation → status → how often. */
  counts: ReadonlyMap<string, ReadonlyMap<number, number>>;
  slowest: number;
  findings: readonly Finding[];
}

export interface Options {
  /** At least so many. */
  requests: number;
  seed: number;
  /** Goes on after a finding, and reports each law and operation once. */
  all?: boolean;
  /** Called now and then. */
  progress?: (requests: number) => void;
}

/** Stories that share one installation, which would otherwise grow for ever. */
const BATCH = 60;

/** Nobody outside is asked. */
const lonely = {
  send: async (): Promise<never> => {
    throw fail('unavailable', 'there is no network here');
  },
};

async function tokensOf(plane: Plane): Promise<Tokens> {
  const foreign = await plane.tenant();
  const tokenFor = async (namespace: string, role: string) =>
    plane.token(await plane.credential(namespace, [role]));
  return {
    root: await tokenFor('/', 'namespace.administrator'),
    viewer: await tokenFor('/', 'namespace.viewer'),
    foreign: await tokenFor(foreign, 'namespace.administrator'),
  };
}

/** Runs stories until there were enough requests, or a law was broken. */
export async function fuzz({ requests: wanted, seed, all = false, progress }: Options): Promise<Report> {
  const counts = new Map<string, Map<number, number>>();
  const findings: Finding[] = [];
  const known = new Set<string>();
  let [requests, told, slowest] = [0, 0, 0];
  const count: Story['count'] = (operation, status) => {
    requests += 1;
    const of = counts.get(operation) ?? new Map<number, number>();
    counts.set(operation, of.set(status, (of.get(status) ?? 0) + 1));
  };

  async function batch(own: number): Promise<void> {
    const plane = await openPlane(deps => ({ ...deps, web: lonely }));
    try {
      const open = door(() => plane.deps);
      const measured: typeof open = async sent => {
        plane.clock.advance(1);
        const got = await open(sent);
        slowest = Math.max(slowest, got.milliseconds);
        return got;
      };
      const tokens = await tokensOf(plane);
      let last: { what: string; lines: string[]; message: string } | undefined;
      const property = fc.asyncProperty(stories, async (planned: readonly Planned[]) => {
        const story = await begin(plane, measured, tokens, count);
        let where = 'looking back';
        try {
          for (const request of planned) {
            where = request.at.operation;
            await act(story, request);
          }
          where = 'looking back';
          await lookBack(story);
        } catch (error) {
          const law = error instanceof Broken ? error.law : 'nothing is thrown';
          const what = `${law} (${where}${where === 'looking back' ? ` ${/\/(\w+)/.exec(String(error))?.[1]}` : ''})`;
          if (known.has(what)) return;
          const logged = plane.errors.at(-1);
          const message = `${error instanceof Broken ? error.message : String((error as Error).stack)}${logged ? `\n${JSON.stringify(logged)}` : ''}`;
          plane.errors.length = 0;
          last = { what, lines: story.lines, message };
          throw error;
        }
      });
      const result = await fc.check(property, {
        seed: own,
        numRuns: BATCH,
        interruptAfterTimeLimit: 240_000,
      });
      if (result.failed && last) {
        known.add(last.what);
        findings.push({ ...last, seed: own, path: result.counterexamplePath ?? '' });
      }
    } finally {
      await plane.stop();
    }
  }

  let batches = 0;
  while (requests < wanted && (all || findings.length === 0)) {
    await batch(seed + batches);
    batches += 1;
    if (progress && requests - told >= 10_000) {
      told = requests;
      progress(requests);
    }
  }
  return { seed, requests, stories: batches * BATCH, counts, slowest, findings };
}

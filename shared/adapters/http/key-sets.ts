import type { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import type { KeySets, KeySource } from '../../ports/key-sets.ts';
import type { Web } from '../../ports/web.ts';
import { type Failure, fail } from '../../schema/failure.ts';
import { Discovery, KeySet, type PublicKey } from '../../schema/oidc.ts';

const SECOND = 1000;
/** Keys are taken for good so long; an issuer that withdraws a key is believed after that at the latest. */
const FRESH = 900 * SECOND;
/** An unknown `kid` has the keys fetched again when they are older than this. Anybody can make up a `kid`. */
const UNKNOWN_KID = 30 * SECOND;
/** A source that gave no good answer is left alone so long. */
const FAILED = 10 * SECOND;
/** Sources that are remembered; the one that was asked for longest ago is forgotten first. */
const SOURCES = 1000;

const LIMITS = { bytes: 256 * 1024, milliseconds: 4 * SECOND };

interface Entry {
  keys?: readonly PublicKey[];
  /** When the keys were fetched. */
  at: number;
  failure?: { error: unknown; at: number };
  /** A fetch under way, which all callers share. */
  pending?: Promise<readonly PublicKey[]>;
}

async function json<T>(url: string, schema: z.ZodType<T>, web: Web): Promise<T> {
  const { status, body } = await web.send(
    { method: 'GET', url: new URL(url), headers: { accept: 'application/json' } },
    LIMITS,
  );
  if (status !== 200) throw fail('unavailable', `${url} answered with status ${status}`);
  return readJson(url, schema, body);
}

function readJson<T>(url: string, schema: z.ZodType<T>, body: string): T {
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    throw fail('unavailable', `${url} did not answer with what an issuer publishes there`);
  }
}

/** OpenID Connect Discovery 1.0, 4.1 and 4.3: the document must name the very issuer that it was asked for. */
async function jwksOf(issuer: string, web: Web): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = await json(url, Discovery, web);
  if (found.issuer === issuer) return found.jwks_uri;
  const mismatch: Failure = fail(
    'unavailable',
    `${url} names another issuer, \`${found.issuer.slice(0, 200)}\``,
  );
  throw mismatch;
}

/** Keys over the web, kept in memory. */
export function openKeySets(web: Web, { now }: Pick<Clock, 'now'>): KeySets {
  const entries = new Map<string, Entry>();

  const entryOf = (source: KeySource): Entry => {
    const name = JSON.stringify(source);
    const entry = entries.get(name) ?? { at: 0 };
    entries.delete(name);
    entries.set(name, entry);
    const [oldest] = entries.keys();
    if (entries.size > SOURCES && oldest !== undefined) entries.delete(oldest);
    return entry;
  };

  const fetchInto = async (entry: Entry, source: KeySource): Promise<readonly PublicKey[]> => {
    try {
      const url = 'jwks' in source ? source.jwks : await jwksOf(source.issuer, web);
      const { keys } = await json(url, KeySet, web);
      Object.assign(entry, { keys, at: now().getTime() });
      return keys;
    } catch (error) {
      entry.failure = { error, at: now().getTime() };
      throw error;
    } finally {
      delete entry.pending;
    }
  };

  return {
    async keys(source, kid) {
      const entry = entryOf(source);
      const age = now().getTime() - entry.at;
      const kept = age < FRESH ? entry.keys : undefined;
      const isKnown = kid === undefined || kept?.some(key => key.kid === kid);
      if (kept && (isKnown || age < UNKNOWN_KID)) return kept;
      if (entry.failure && now().getTime() - entry.failure.at < FAILED) {
        if (kept) return kept;
        throw entry.failure.error;
      }
      entry.pending ??= fetchInto(entry, source);
      return kept ? entry.pending.catch(() => kept) : entry.pending;
    },
  };
}

import { createHash, timingSafeEqual } from 'node:crypto';
import { goSeconds } from '../shared/core/duration.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { fail } from '../shared/schema/failure.ts';
import { NamespacePath, ObjectId } from '../shared/schema/ids.ts';
import { type InstallToken, LONGEST_INSTALL } from '../shared/schema/installtoken.ts';
import type { Hooks } from './crud.ts';
import type { Deps } from './deps.ts';
import { brokenRules } from './pipeline/problem.ts';

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Fills in the secret, of which only the digest is stored, and the end of the token. */
export function issueInstallToken(object: InstallToken, { clock }: { clock: Clock }): void {
  const secret = Buffer.from(clock.randomBytes(32)).toString('base64url');
  const ends = Date.parse(object.createTime) + goSeconds(object.validity) * 1000;
  const place = Buffer.from(object.namespace).toString('base64url');
  Object.assign(object, {
    digest: digestOf(secret),
    expirationTime: new Date(ends).toISOString(),
    token: `${place}.${object.ID}.${secret}`,
  });
}

export const installTokenHooks: Hooks<'installtoken'> = {
  check: (input, call) => {
    if (call.lineage.length === 0) {
      throw fail('invalid', 'enforcers live in a namespace below the root; set X-Namespace to it');
    }
    const seconds = goSeconds(input.validity);
    if (seconds >= 1 && seconds <= LONGEST_INSTALL) return;
    throw brokenRules([
      { path: ['validity'], input: input.validity, message: 'it must be from 1s to 24h; 30m is usual' },
    ]);
  },
  complete: (object, { dryRun }, deps) => {
    issueInstallToken(object, deps);
    // Nobody may be left with a token that means nothing.
    if (dryRun) delete object.token;
  },
};

/** Whoever guesses learns nothing. */
const unknown = () =>
  fail('unauthorized', 'there is no such install token; make one with apoctl enforcer install-token');

interface Read {
  namespace: NamespacePath;
  id: ObjectId;
  secret: string;
}

export function readInstallToken(text: string): Read {
  const [place = '', id, secret = '', ...rest] = text.split('.');
  const namespace = NamespacePath.safeParse(Buffer.from(place, 'base64url').toString());
  const object = ObjectId.safeParse(id);
  if (!namespace.success || !object.success || secret === '' || rest.length > 0) throw unknown();
  return { namespace: namespace.data, id: object.data, secret };
}

/**
 * The token's object, if it may still register with this key. Once it was used it is good for the same key alone, so
 * that an agent that did not get the answer can ask again.
 *
 * @throws `unauthorized` for an unknown, used or expired token, `forbidden` for another machine
 */
export async function usableInstallToken(
  { namespace, id, secret }: Read,
  key: string,
  machine: { machineID: string; enforcerID: ObjectId },
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
): Promise<InstallToken> {
  const token = await store.get({ resource: 'installtoken', namespace, id });
  if (!token || !timingSafeEqual(Buffer.from(token.digest), Buffer.from(digestOf(secret)))) throw unknown();
  const { expirationTime, usedBy, machineID, enforcerID } = token;
  if (Date.parse(expirationTime) <= clock.now().getTime()) {
    throw fail('unauthorized', `the install token expired at ${expirationTime}; make a new one`);
  }
  if (usedBy && usedBy.key !== key) {
    throw fail(
      'unauthorized',
      `the install token was used at ${usedBy.time} by enforcer ${usedBy.enforcerID}; make a new one`,
    );
  }
  const isForAnother =
    (machineID !== '' && machineID !== machine.machineID) ||
    (enforcerID !== '' && enforcerID !== machine.enforcerID);
  if (isForAnother) {
    throw fail('forbidden', `the install token is not for the machine \`${machine.machineID}\``);
  }
  return token;
}

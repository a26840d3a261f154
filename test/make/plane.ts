import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import type { Deps } from '../../functions/deps.ts';
import { bootstrap } from '../../functions/events/bootstrap.ts';
import { openKeySets } from '../../shared/adapters/http/key-sets.ts';
import { openWeb } from '../../shared/adapters/http/web.ts';
import { openBucket } from '../../shared/adapters/local/bucket.ts';
import { openBundleAccess } from '../../shared/adapters/local/bundle-access.ts';
import { openConnections } from '../../shared/adapters/local/connections.ts';
import type { Database } from '../../shared/adapters/local/database.ts';
import { openFlowStore } from '../../shared/adapters/local/flow-store.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openPublications } from '../../shared/adapters/local/publications.ts';
import { noRunnerPlaces } from '../../shared/adapters/local/runner-places.ts';
import { openUploads } from '../../shared/adapters/local/uploads.ts';
import { Issue } from '../../shared/api/messages.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { type Answer, type Call, caller, type RequestLine, type Sent } from './call.ts';
import { type TestClock, testClock } from './clock.ts';
import { dataDirectory } from './data-directory.ts';
import { makeSigner } from './keys.ts';

export const API_URL = 'https://api.test';

/** Somebody with a token: sends requests in a namespace. */
export type Caller = (
  line: RequestLine,
  namespace: string,
  sent?: Omit<Sent, 'namespace' | 'token'>,
) => Promise<Answer>;

/** A line of the log. */
export interface Line {
  message: string;
  fields: Record<string, unknown>;
}

/** The API over the real local adapters, in a directory of its own, without HTTP, change feed and workflows. */
export interface Plane {
  deps: Deps;
  clock: TestClock;
  directory: string;
  database: Database;
  call: Call;
  /** Administrator of `/`. */
  root: Caller;
  /** What was logged as an error. */
  errors: Line[];
  /** Everything that was logged. */
  log: Line[];
  /** Public key of the tokens, PEM. */
  tokenPem: string;
  /** Makes a namespace and gives its path. */
  namespace(parent: string, name: string): Promise<string>;
  /** Makes a tenant that no other test has. */
  tenant(): Promise<string>;
  /** Makes a credential and gets a token for it. */
  member(namespace: string, roles: readonly string[], more?: object): Promise<Caller>;
  credential(namespace: string, roles: readonly string[], more?: object): Promise<Credential>;
  token(credential: Credential): Promise<string>;
  /** Gets a token for a credential. */
  as(credential: Credential): Promise<Caller>;
  caller(token: string): Caller;
  stop(): Promise<void>;
}

/** Claims of a good assertion (RFC 7523, section 3); the caller may change any of them. */
export const assertionClaims = (credential: Credential, now: Date): Record<string, unknown> => {
  const seconds = Math.floor(now.getTime() / 1000);
  return {
    iss: credential.ID,
    sub: credential.ID,
    aud: API_URL,
    namespace: credential.namespace,
    jti: randomBytes(16).toString('hex'),
    iat: seconds,
    exp: seconds + 60,
  };
};

export const privateKeyOf = (credential: Credential) =>
  importPKCS8(Buffer.from(credential.certificateKey, 'base64').toString(), 'ES256');

export async function assertion(
  credential: Credential,
  now: Date,
  changed: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT({ ...assertionClaims(credential, now), ...changed })
    .setProtectedHeader({ alg: 'ES256', ...header })
    .sign(await privateKeyOf(credential));
}

const unused = async (): Promise<never> => {
  throw new Error('the API itself neither starts workflows nor publishes events');
};

export async function openPlane(wrap: (deps: Deps) => Deps = deps => deps): Promise<Plane> {
  const directory = dataDirectory();
  const database = directory.open();
  const clock = testClock();
  const tokenKey = makeSigner();
  const log: Line[] = [];
  const errors: Line[] = [];
  const note = (message: string, fields: Record<string, unknown> = {}): void =>
    void log.push({ message, fields });
  const flows = openFlowStore(directory.path, clock);
  const deps = wrap({
    store: openObjectStore(database, clock),
    publications: openPublications(database),
    bucket: await openBucket(join(directory.path, 'bucket')),
    uploads: openUploads({ signer: tokenKey, clock, url: () => API_URL }),
    flows,
    bus: { publish: unused },
    workflows: {
      start: unused,
      describe: unused,
      sendTaskSuccess: unused,
      sendTaskFailure: unused,
      sendTaskHeartbeat: unused,
    },
    clock,
    runnerPlaces: noRunnerPlaces,
    log: {
      info: note,
      warn: note,
      error: (message, fields = {}) => {
        note(message, fields);
        errors.push({ message, fields });
      },
    },
    tokenKeys: { signs: tokenKey, verifies: [tokenKey] },
    bundleKeys: { targets: tokenKey, snapshot: tokenKey, timestamp: tokenKey },
    bundleAccess: openBundleAccess({ signer: tokenKey, clock, url: () => API_URL }),
    web: openWeb(),
    keySets: openKeySets(openWeb(), clock),
    issuers: { pcIssuer: '', pcAudience: '', azureAudience: '', gcpAudience: '' },
    apiURL: API_URL,
    eventsURL: `${API_URL.replace(/^http/, 'ws')}/events`,
    connections: openConnections(),
    defaultTenant: '',
  });
  const send = caller(() => deps);
  const call: Call = (line, sent) => {
    // So that no two objects are of the same moment, and those made later have the greater ID.
    clock.advance(1);
    return send(line, sent);
  };
  const callerOf =
    (token: string): Caller =>
    (line, namespace, sent = {}) =>
      call(line, { ...sent, namespace, token });
  const tokenOf = async (credential: Credential): Promise<string> => {
    const metadata = { token: await assertion(credential, clock.now()) };
    const issued = await call('POST /issue', { body: { realm: 'AppCredential', metadata } });
    return Issue.parse(JSON.parse(issued.text)).token ?? '';
  };
  const as = async (credential: Credential): Promise<Caller> => callerOf(await tokenOf(credential));
  const root = await as(await bootstrap(deps));
  const made = async (answered: Promise<Answer>): Promise<Answer['object']> => {
    const result = await answered;
    if (result.status !== 200) throw new Error(`not made: ${result.text}`);
    return result.object;
  };
  const credential: Plane['credential'] = async (namespace, roles, more = {}) => {
    const body = { name: 'member', roles: roles.map(role => `@auth:role=${role}`), ...more };
    const { credentials } = await made(root('POST /appcredentials', namespace, { body }));
    return Credential.parse(credentials);
  };
  const makeNamespace: Plane['namespace'] = async (parent, name) =>
    (await made(root('POST /namespaces', parent, { body: { name } }))).name;
  let tenants = 0;
  return {
    deps,
    clock,
    directory: directory.path,
    database,
    call,
    root,
    errors,
    log,
    tokenPem: tokenKey.pem,
    namespace: makeNamespace,
    tenant: () => makeNamespace('/', `tenant-${++tenants}`),
    member: async (namespace, roles, more) => as(await credential(namespace, roles, more)),
    credential,
    token: tokenOf,
    as,
    caller: callerOf,
    stop: async () => {
      await flows.close();
      await directory.stop();
    },
  };
}

import { canonicalize } from '@tufjs/canonical-json';
import type { Reason } from '../../shared/bundle/open.ts';
import { type Bendable, describeBytes, forge, set, signJson } from '../make/forge.ts';
import { makePayloads, payloadBytes } from '../make/payloads.ts';
import { DAY, later } from '../make/repository.ts';
import {
  EXPECTED,
  endless,
  fileOf,
  NEIGHBOUR,
  nextRoot,
  ours,
  payloadPath,
  type Scene,
  stalled,
  stolen,
  swapped,
  takenOver,
  type World,
  withFile,
} from './world.ts';

/**
 * TUF's list of attacks (specification 1.0, section 1.5.2) against a client that fetches for the first time, one
 * that has a bundle, and one that starts again with what it stored. `accepted` marks what no client can tell from
 * an honest answer: older files that are still good, to somebody who never saw newer ones.
 */
export type Outcome = Reason | 'accepted';
export type Row = [
  name: string,
  first: Outcome,
  afterwards: Outcome,
  stage: (world: World) => Scene | Promise<Scene>,
];

export const TIMESTAMP = 'metadata/timestamp.json';
const FOR_EVER = set('expires', '2099-01-01T00:00:00Z');
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const json = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

/** Names an old file, by the version and hash that it really has. */
const naming = (world: World, name: 'snapshot' | 'targets') =>
  set('meta', `${name}.json`, {
    version: 1,
    ...describeBytes(fileOf(world.third, `metadata/1.${name}.json`)),
  });

/** Another payload under the name of the policy, signed as ours. */
const asPolicy = async (world: World, body: Uint8Array): Promise<Scene> => {
  const description = describeBytes(body);
  const targets = (signed: Bendable) => Object.assign(signed.targets['policy.json'], description);
  const files = await forge(world.third, { signers: world.keys, targets });
  return { files: withFile(files, `targets/${description.hashes.sha256}.policy.json`, body) };
};

/** A promise of one version for a file that has another. */
const renamed = async (stage: Promise<Scene> | Scene, from: string, to: string): Promise<Scene> => {
  const { files } = await stage;
  return { files: withFile(files, to, fileOf(files, from)) };
};

const ED25519 = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'd'.repeat(64) } };
const idOf = (key: object): string => describeBytes(text(canonicalize(key))).hashes.sha256;
const OTHER_ID = 'b'.repeat(64);

/** A root whose threshold one key meets alone, as its signature stands there under two ids. */
const countedTwice = async (world: World): Promise<Scene> => {
  const path = 'metadata/2.root.json';
  const bend = (signed: Bendable) => {
    const [id] = signed.roles.root.keyids;
    set('keys', OTHER_ID, signed.keys[id])(signed);
    set('roles', 'root', 'keyids', [id, OTHER_ID])(signed);
  };
  const { files } = await nextRoot(bend, ({ keys }) => keys.root)(world);
  const root = json(fileOf(files, path));
  const [id] = root.signed.roles.root.keyids;
  const { sig } = root.signatures.find((each: Bendable) => each.keyid === id);
  root.signatures.push({ keyid: OTHER_ID, sig });
  return { files: withFile(files, path, text(JSON.stringify(root))) };
};

export const ATTACKS: Record<string, Row[]> = {
  'arbitrary software': [
    [
      'a policy of the same length as the signed one',
      'wrong_hash',
      'wrong_hash',
      ({ third }) => {
        const path = payloadPath(third, 'policy.json');
        const policy = new TextDecoder().decode(third.get(path)).replace('tcp/443', 'tcp/444');
        return { files: withFile(third, path, text(policy)) };
      },
    ],
    [
      'metadata that foreign keys signed',
      'unsigned',
      'unsigned',
      async ({ third, thief }) => ({ files: await forge(third, { signers: thief }) }),
    ],
    [
      'metadata without any signature',
      'unsigned',
      'unsigned',
      async ({ third }) => {
        const { signed } = json(fileOf(third, TIMESTAMP));
        return { files: withFile(third, TIMESTAMP, await signJson({ ...signed, version: 9 }, [])) };
      },
    ],
    ['no metadata at all', 'malformed', 'malformed', swapped(TIMESTAMP, () => text('<html>'))],
    [
      'signed metadata of another role',
      'malformed',
      'malformed',
      swapped(TIMESTAMP, ({ third }) => fileOf(third, 'metadata/3.snapshot.json')),
    ],
  ],
  rollback: [
    ['everything of the first revision', 'accepted', 'rollback', ({ first }) => ({ files: first })],
    [
      'the first snapshot, named by a stolen timestamp key',
      'accepted',
      'rollback',
      world => stolen(['timestamp'], { timestamp: naming(world, 'snapshot') })(world),
    ],
    [
      'the first targets, named by stolen snapshot and timestamp keys',
      'accepted',
      'rollback',
      world => stolen(['snapshot'], { snapshot: naming(world, 'targets') })(world),
    ],
    [
      'the same root again',
      'rollback',
      'rollback',
      swapped('metadata/2.root.json', ({ anchor }) => anchor.root),
    ],
  ],
  'fast-forward': [
    [
      'a root that skips a version',
      'wrong_version',
      'wrong_version',
      nextRoot(set('version', 7), ({ keys }) => keys.root),
    ],
    [
      'a version that has no successor',
      'malformed',
      'malformed',
      stolen(['timestamp'], { timestamp: set('version', 2 ** 53) }),
    ],
  ],
  'indefinite freeze': [
    ['the newest for a day', 'expired', 'expired', ({ third }) => ({ files: third, now: later(DAY) })],
    [
      'what clients have, for a day',
      'expired',
      'expired',
      ({ second }) => ({ files: second, now: later(DAY) }),
    ],
    [
      'a snapshot, kept up for a week by a stolen timestamp key',
      'expired',
      'expired',
      stolen(['timestamp'], { timestamp: FOR_EVER }, { now: later(7 * DAY) }),
    ],
    [
      'targets, kept up for 90 days by stolen snapshot and timestamp keys',
      'expired',
      'expired',
      stolen(['snapshot'], { snapshot: FOR_EVER, timestamp: FOR_EVER }, { now: later(90 * DAY) }),
    ],
    ['a root for a year', 'expired', 'expired', ({ third }) => ({ files: third, now: later(365 * DAY) })],
    [
      'a root that expired before anything else',
      'expired',
      'expired',
      nextRoot(set('expires', '2026-11-02T08:30:00Z'), ({ keys }) => keys.root),
    ],
    [
      'no timestamp',
      'missing',
      'missing',
      ({ third }) => ({ files: new Map([...third].filter(([key]) => key !== TIMESTAMP)) }),
    ],
    [
      'no network',
      'unreachable',
      'unreachable',
      ({ third }) => ({ files: third, fetch: () => () => Promise.reject(new Error('ECONNREFUSED')) }),
    ],
  ],
  'endless data': [
    ['as the next root', 'too_long', 'too_long', endless('2.root.json')],
    ['as the timestamp', 'too_long', 'too_long', endless('timestamp.json')],
    ['as the snapshot', 'too_long', 'too_long', endless('snapshot.json')],
    ['as the targets', 'too_long', 'too_long', endless('.targets.json')],
    ['as a payload', 'too_long', 'too_long', endless('peers.json')],
    [
      'a huge snapshot, described by a stolen timestamp key',
      'too_long',
      'too_long',
      stolen(['timestamp'], { timestamp: set('meta', 'snapshot.json', 'length', 2 ** 40) }),
    ],
    [
      'a snapshot of any length, described by a stolen timestamp key',
      'malformed',
      'malformed',
      stolen(['timestamp'], { timestamp: set('meta', 'snapshot.json', 'length', undefined) }),
    ],
  ],
  'slow retrieval': [
    ['of the next root', 'slow', 'slow', stalled('2.root.json')],
    ['of the timestamp', 'slow', 'slow', stalled('timestamp.json')],
    ['of the snapshot', 'slow', 'slow', stalled('snapshot.json')],
    ['of the targets', 'slow', 'slow', stalled('.targets.json')],
    ['of a payload', 'slow', 'slow', stalled('policy.json')],
  ],
  'extraneous dependency': [
    [
      'one more target, unsigned',
      'too_long',
      'too_long',
      swapped('metadata/3.targets.json', ({ third }) => {
        const metadata = json(fileOf(third, 'metadata/3.targets.json'));
        set('targets', 'setup.sh', metadata.signed.targets['policy.json'])(metadata.signed);
        return text(JSON.stringify(metadata));
      }),
    ],
    [
      'one more target, signed',
      'extraneous',
      'extraneous',
      ours({ targets: signed => set('targets', 'setup.sh', signed.targets['policy.json'])(signed) }),
    ],
    [
      'a delegation, signed',
      'extraneous',
      'extraneous',
      ours({ targets: set('delegations', { keys: {}, roles: [] }) }),
    ],
    [
      'one more role in the snapshot, signed',
      'extraneous',
      'extraneous',
      ours({ snapshot: set('meta', 'other.json', { version: 1 }) }),
    ],
    [
      'one target less, signed',
      'missing',
      'missing',
      ours({ targets: set('targets', 'peers.json', undefined) }),
    ],
  ],
  'mix-and-match': [
    [
      'the snapshot of another revision',
      'wrong_hash',
      'wrong_hash',
      swapped('metadata/3.snapshot.json', ({ first }) => fileOf(first, 'metadata/1.snapshot.json')),
    ],
    [
      'the targets of another revision',
      'wrong_hash',
      'wrong_hash',
      swapped('metadata/3.targets.json', ({ first }) => fileOf(first, 'metadata/1.targets.json')),
    ],
    [
      'a payload of another revision',
      'wrong_hash',
      'wrong_hash',
      ({ first, third }) => ({
        files: withFile(
          third,
          payloadPath(third, 'policy.json'),
          fileOf(first, payloadPath(first, 'policy.json')),
        ),
      }),
    ],
    [
      'a snapshot under another version than its own',
      'wrong_version',
      'wrong_version',
      world =>
        renamed(
          stolen(['timestamp'], { timestamp: set('meta', 'snapshot.json', 'version', 9) })(world),
          'metadata/3.snapshot.json',
          'metadata/9.snapshot.json',
        ),
    ],
    [
      'targets under another version than their own',
      'wrong_version',
      'wrong_version',
      world =>
        renamed(
          stolen(['snapshot'], { snapshot: set('meta', 'targets.json', 'version', 9) })(world),
          'metadata/3.targets.json',
          'metadata/9.targets.json',
        ),
    ],
    [
      'a revision that is not the version of its targets',
      'wrong_version',
      'wrong_version',
      ours({
        targets: signed => {
          for (const target of Object.values<Bendable>(signed.targets)) target.custom.revision = 2;
        },
      }),
    ],
  ],
  'wrong target': [
    [
      'the bundle of a neighbour',
      'wrong_binding',
      'wrong_binding',
      ({ neighbour }) => ({ files: neighbour }),
    ],
    [
      'the targets of a neighbour',
      'wrong_hash',
      'wrong_hash',
      swapped('metadata/3.targets.json', ({ neighbour }) => fileOf(neighbour, 'metadata/3.targets.json')),
    ],
    [
      'the bundle of another tenant',
      'wrong_binding',
      'wrong_binding',
      ({ third }) => ({ files: third, expected: { ...EXPECTED, tenant: '/other' } }),
    ],
    [
      'the policy of a neighbour, signed as ours',
      'wrong_binding',
      'wrong_binding',
      world =>
        asPolicy(
          world,
          payloadBytes(makePayloads('web', NEIGHBOUR.namespace, NEIGHBOUR.namespaceID))['policy.json'],
        ),
    ],
    [
      'targets that are bound to nothing',
      'wrong_binding',
      'wrong_binding',
      ours({ targets: set('targets', 'policy.json', 'custom', undefined) }),
    ],
    [
      'targets that are bound to two namespaces',
      'wrong_binding',
      'wrong_binding',
      ours({ targets: set('targets', 'peers.json', 'custom', 'namespace', NEIGHBOUR.namespace) }),
    ],
    [
      'one payload under the name of another, signed',
      'invalid_payload',
      'invalid_payload',
      world => asPolicy(world, fileOf(world.third, payloadPath(world.third, 'peers.json'))),
    ],
    [
      'a payload that is not UTF-8, signed',
      'invalid_payload',
      'invalid_payload',
      world => {
        const policy = payloadBytes(makePayloads('?'))['policy.json'];
        return asPolicy(world, policy.with(policy.indexOf('?'.charCodeAt(0)), 0xff));
      },
    ],
    [
      'a payload with a field that no schema knows, signed',
      'invalid_payload',
      'invalid_payload',
      world => asPolicy(world, text(JSON.stringify({ ...makePayloads()['policy.json'], rules: [] }))),
    ],
  ],
  'key compromise below the threshold': [
    [
      'a root of the thief, signed by one of two root keys',
      'unsigned',
      'unsigned',
      takenOver(({ keys, thief }) => [...keys.root.slice(0, 1), ...thief.root]),
    ],
    [
      'a root of the thief, signed by nobody else',
      'unsigned',
      'unsigned',
      takenOver(({ thief }) => thief.root),
    ],
    ['a root that its own keys did not sign', 'unsigned', 'unsigned', takenOver(({ keys }) => keys.root)],
    ['one root key under two ids, to count twice', 'malformed', 'malformed', countedTwice],
    [
      'a key of another algorithm',
      'malformed',
      'malformed',
      nextRoot(set('keys', idOf(ED25519), ED25519), ({ keys }) => keys.root),
    ],
    [
      'a root without consistent snapshots, whose files may be replaced',
      'malformed',
      'malformed',
      nextRoot(set('consistent_snapshot', false), ({ keys }) => keys.root),
    ],
    [
      'a snapshot that a stolen timestamp key signed',
      'unsigned',
      'unsigned',
      async ({ third, keys: { timestamp } }) => ({
        files: await forge(third, { signers: { timestamp, snapshot: timestamp } }),
      }),
    ],
    [
      'targets that a stolen snapshot key signed',
      'unsigned',
      'unsigned',
      async ({ third, keys }) => ({
        files: await forge(third, { signers: { ...keys, targets: keys.snapshot } }),
      }),
    ],
  ],
};

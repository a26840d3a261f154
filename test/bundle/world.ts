import {
  type Expected,
  type Fetch,
  type OpenResult,
  open,
  type TrustedState,
} from '../../shared/bundle/open.ts';
import { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import { type Bendable, type Forgery, forge, signJson } from '../make/forge.ts';
import { makeKeys, type TestKeys } from '../make/keys.ts';
import { makePayloads, NAMESPACE, NAMESPACE_ID, TENANT } from '../make/payloads.ts';
import { BOUND, type Files, HOUR, later, serve, TestRepository } from '../make/repository.ts';

export const EXPECTED: Expected = { tenant: TENANT, namespace: NAMESPACE, namespaceID: NAMESPACE_ID };
export const NEIGHBOUR = {
  namespace: NamespacePath.parse('/acme/prod/other'),
  namespaceID: ObjectId.parse('f'.repeat(24)),
};

/** Three revisions of one namespace. Clients that have a bundle have the second; the bucket holds the third. */
export interface World {
  keys: TestKeys;
  thief: TestKeys;
  first: Files;
  second: Files;
  third: Files;
  /** A neighbour in the same tenant, at its fourth revision, whose bundles the same keys sign. */
  neighbour: Files;
  anchor: TrustedState;
  has: TrustedState;
}

/** What an attacker sets up. */
export interface Scene {
  files: Files;
  now?: Date;
  expected?: Expected;
  /** A network that misbehaves. `hang` lets the deadline pass. */
  fetch?: (honest: Fetch, hang: () => Promise<never>) => Fetch;
}

/** One update of a client, one hour after everything was published unless the scene says otherwise. */
export const update = (scene: Scene, state: TrustedState): Promise<OpenResult> => {
  const deadline = new AbortController();
  const hang = () => {
    deadline.abort();
    return new Promise<never>(() => {});
  };
  const honest = serve(scene.files);
  return open({
    fetch: scene.fetch ? scene.fetch(honest, hang) : honest,
    state,
    expected: scene.expected ?? EXPECTED,
    now: scene.now ?? later(HOUR),
    signal: deadline.signal,
  });
};

export const makeWorld = async (): Promise<World> => {
  const keys = makeKeys();
  const repository = await TestRepository.make({ keys });
  const after = async (mark: string): Promise<Files> => {
    await repository.publish(makePayloads(mark));
    return new Map(repository.files);
  };
  const [first, second] = [await after('web'), await after('db')];
  const { state: has } = await update({ files: second }, repository.anchor);
  const third = await after('cache');
  const next = await TestRepository.make({ keys, binding: { ...BOUND, ...NEIGHBOUR } });
  next.roots = repository.roots;
  for (const mark of ['a', 'b', 'c', 'd'])
    await next.publish(makePayloads(mark, NEIGHBOUR.namespace, NEIGHBOUR.namespaceID));
  const { anchor } = repository;
  return { keys, thief: makeKeys(), first, second, third, neighbour: next.files, anchor, has };
};

export const fileOf = (files: Files, path: string): Uint8Array => files.get(path) ?? new Uint8Array();
export const withFile = (files: Files, path: string, body: Uint8Array): Files =>
  new Map(files).set(path, body);
/** Path of the payload that was published last under this name. */
export const payloadPath = (files: Files, name: string): string =>
  [...files.keys()].findLast(key => key.endsWith(name)) ?? '';

type Stage = (world: World) => Scene | Promise<Scene>;
type Bend = Omit<Forgery, 'signers'>;

/** A next revision that somebody publishes who holds these keys of ours. */
export const stolen =
  (
    roles: readonly ('targets' | 'snapshot' | 'timestamp')[],
    bend: Bend = {},
    scene: Partial<Scene> = {},
  ): Stage =>
  async ({ keys, third }) => {
    const signers = Object.fromEntries(roles.map(role => [role, keys[role]]));
    return {
      files: await forge(third, { signers: { timestamp: keys.timestamp, ...signers }, ...bend }),
      ...scene,
    };
  };
/** Everything signed by the right keys: a publisher gone wrong. */
export const ours = (bend: Bend): Stage => stolen(['targets', 'snapshot', 'timestamp'], bend);

/** One file in the place of another. */
export const swapped =
  (path: string, body: (world: World) => Uint8Array): Stage =>
  world => ({ files: withFile(world.third, path, body(world)) });

/** The file whose name ends so goes on for ever; `fetch` reads as much of it as it may. */
export const endless =
  (name: string): Stage =>
  ({ third }) => ({
    files: third,
    fetch: honest => async (key, maxBytes, signal) =>
      key.endsWith(name) ? new Uint8Array(maxBytes + 1).fill(32) : honest(key, maxBytes, signal),
  });

/** The file whose name ends so never comes. */
export const stalled =
  (name: string): Stage =>
  ({ third }) => ({
    files: third,
    fetch: (honest, hang) => (key, maxBytes, signal) =>
      key.endsWith(name) ? hang() : honest(key, maxBytes, signal),
  });

const signedOf = (bytes: Uint8Array): Bendable => JSON.parse(new TextDecoder().decode(bytes)).signed;

/** A second root, bent and signed by these keys, before what is published otherwise. */
export const nextRoot =
  (
    bend: (signed: Bendable, world: World) => void,
    signers: (world: World) => TestKeys['root'],
    published: (world: World) => Files | Promise<Files> = ({ third }) => third,
  ): Stage =>
  async world => {
    const signed = { ...signedOf(world.anchor.root), version: 2 };
    bend(signed, world);
    const body = await signJson(signed, signers(world));
    return { files: withFile(await published(world), 'metadata/2.root.json', body) };
  };

/** A root that puts the thief's keys in the place of ours, and a bundle that they signed. */
export const takenOver =
  (signers: (world: World) => TestKeys['root']): Stage =>
  async world => {
    const { anchor } = await TestRepository.make({ keys: world.thief });
    const { keys, roles } = signedOf(anchor.root);
    const forged = forge(world.third, { signers: world.thief });
    return nextRoot(
      signed => Object.assign(signed, { keys, roles }),
      signers,
      () => forged,
    )(world);
  };

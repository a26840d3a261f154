import { encode } from '@msgpack/msgpack';
import type { Plane } from '../make/plane.ts';
import { type Described, described } from './document.ts';
import { curl, type Door, type Got, type Sent } from './door.ts';
import { CHILD, TENANT } from './from-schema.ts';
import { Broken, obey, PATIENCE } from './laws.ts';
import type { Body, Planned } from './requests.ts';

/** An object that a create acknowledged. */
export interface Made {
  ID: string;
  resource: string;
  /** Where it lives, which need not be where it was sent to. */
  namespace: string;
}

export interface Tokens {
  root: string;
  viewer: string;
  foreign: string;
}

/** One story in a tenant of its own. */
export interface Story {
  door: Door;
  tokens: Tokens;
  tenant: string;
  made: Made[];
  gone: Set<string>;
  /** Something else may have removed objects: an import, or the removal of a namespace. */
  uncertain: boolean;
  /** Resources of which a create was tried. */
  touched: Set<string>;
  /** What was sent, as curl lines. */
  lines: string[];
  count: (operation: string, status: number) => void;
}

/** Header values as a front hands them on. */
const wire = (text: string): string =>
  Buffer.from(text.toWellFormed(), 'utf8')
    .toString('latin1')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no front lets them through
    .replace(/[\x00-\x1f\x7f]/g, '')
    .trim();

const at = (tenant: string, text: string): string => text.replaceAll(TENANT, tenant);

function idOf({ id, at: { resource } }: Planned, made: readonly Made[]): { id: string; namespace?: string } {
  if (typeof id === 'string') return { id };
  const own = made.filter(one => one.resource === resource);
  const one = own[id % Math.max(1, own.length)];
  return one ? { id: one.ID, namespace: one.namespace } : { id: '0190f3a1b2c3d4e5f6071829' };
}

const asObject = (value: unknown): object => (value !== null && typeof value === 'object' ? value : {});

async function bytesOf(
  body: Body,
  story: Story,
  stored: () => Promise<unknown>,
): Promise<[string | undefined, Buffer]> {
  if (body.as === 'bytes') return [body.type, Buffer.from(body.hex, 'hex')];
  let { value } = body;
  if (body.over && value !== null && typeof value === 'object' && !Array.isArray(value)) {
    value = { ...asObject(await stored()), ...value };
  }
  const text = JSON.stringify(value) ?? '';
  const own = at(story.tenant, text);
  if (body.as === 'json') return ['application/json', Buffer.from(own)];
  return ['application/msgpack', Buffer.from(encode(JSON.parse(own), { maxDepth: 200 }))];
}

const tokenOf = ({ tokens }: Story, who: string): Record<string, string> => {
  if (who === 'nobody') return {};
  const token = Object.hasOwn(tokens, who) ? tokens[who as keyof Tokens] : who;
  return { authorization: wire(`Bearer ${token}`) };
};

const queryText = (query: Planned['query'], tenant: string): string =>
  new URLSearchParams(
    query.map(([name, value]): [string, string] => [name.toWellFormed(), at(tenant, value).toWellFormed()]),
  ).toString();

/** Sends, and holds the answer to the laws. What took too long is asked again by itself: others share the machine. */
export async function ask(story: Story, where: Described, sent: Sent): Promise<Got> {
  story.lines.push(curl(sent));
  const got = await story.door(sent);
  story.count(where.operation, got.status);
  obey(where, got, sent.headers['x-fields'] !== undefined);
  // Asked again for its time alone: what was created is not created twice.
  let { milliseconds } = got;
  for (let again = 0; milliseconds > PATIENCE && again < 3; again += 1)
    ({ milliseconds } = await story.door(sent));
  if (milliseconds > PATIENCE)
    throw new Broken('no answer takes longer than a second', `${Math.round(milliseconds)} ms`);
  return got;
}

const byPath = (method: string, path: string): Described | undefined =>
  described.find(one => one.method === method && one.path === path);

/** An honest request by the administrator. */
export async function honest(
  story: Story,
  method: string,
  line: string,
  namespace: string,
  body?: unknown,
): Promise<Got> {
  const [path = '', query = ''] = line.split('?');
  const template = path.replace(/\/[0-9a-f]{24}(?=\/|$)/, '/{id}');
  const where = byPath(method, template);
  if (!where) throw new Error(`the document has no ${method} ${template}`);
  return ask(story, where, {
    method,
    path,
    query,
    headers: {
      ...tokenOf(story, 'root'),
      'x-namespace': namespace,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  });
}

/** Whether an operation makes or removes what its answer does not name: imports, presets, registrations. */
const isWide = ({ operation, method }: Described): boolean =>
  operation === 'deleteNamespace' ||
  (method !== 'GET' && method !== 'HEAD' && !/^(create|update|patch|delete)[A-Z][a-z]+$/.test(operation));

function remember(story: Story, planned: Planned, id: string, got: Got): void {
  const { resource, path, method } = planned.at;
  const creates = method === 'POST' && path === `/${resource}` && byPath('GET', `/${resource}/{id}`);
  if (creates) story.touched.add(resource);
  if (got.status !== 200 || got.headers['x-messages']?.includes('dry run')) return;
  if (isWide(planned.at)) story.uncertain = true;
  if (method === 'DELETE' && path.endsWith('/{id}')) story.gone.add(id);
  const { ID, namespace } = asObject(got.body) as Partial<Made>;
  // X-Fields left out which one it is.
  if (creates && (ID === undefined || namespace === undefined)) story.uncertain = true;
  if (typeof ID !== 'string' || typeof namespace !== 'string') return;
  if (creates && !story.made.some(one => one.ID === ID)) story.made.push({ ID, resource, namespace });
}

/** Makes a planned request the run's own and sends it. */
export async function act(story: Story, planned: Planned): Promise<void> {
  const { at: where } = planned;
  const { id, namespace: home } = idOf(planned, story.made);
  // Half the requests about an object go where it lives.
  const wanted = home !== undefined && planned.namespace === TENANT ? home : planned.namespace;
  const namespace = wanted === undefined ? undefined : at(story.tenant, wanted);
  const stored = async () =>
    (await honest(story, 'GET', `/${where.resource}/${id}`, home ?? story.tenant)).body;
  const isKnown = home !== undefined && byPath('GET', `/${where.resource}/{id}`) !== undefined;
  const [type, body] = planned.body
    ? await bytesOf(planned.body, story, isKnown ? stored : async () => ({}))
    : [undefined, undefined];
  const got = await ask(story, where, {
    method: where.method,
    path: where.path.replace('{id}', () => encodeURIComponent(id.toWellFormed())),
    query: queryText(planned.query, story.tenant),
    headers: {
      ...tokenOf(story, planned.who),
      ...Object.fromEntries(Object.entries(planned.headers).map(([name, value]) => [name, wire(value)])),
      ...(namespace === undefined ? {} : { 'x-namespace': wire(namespace) }),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    ...(body === undefined ? {} : { body }),
  });
  remember(story, planned, id, got);
}

let stories = 0;

/** Begins a story: a tenant and a namespace in it that nobody else uses. */
export async function begin(plane: Plane, door: Door, tokens: Tokens, count: Story['count']): Promise<Story> {
  const tenant = await plane.namespace('/', `story-${++stories}`);
  await plane.namespace(tenant, CHILD.slice(TENANT.length + 1));
  return {
    door,
    tokens,
    tenant,
    made: [],
    gone: new Set(),
    uncertain: false,
    touched: new Set(),
    lines: [],
    count,
  };
}

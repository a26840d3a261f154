import type { Route } from './route.ts';

/** A parameter object of OpenAPI. */
export interface Parameter {
  name: string;
  in: 'query' | 'header' | 'path';
  description: string;
  required?: true;
  /** A flag is set by being there. */
  allowEmptyValue?: true;
  schema: Readonly<Record<string, unknown>>;
}

const text = (name: string, description: string, schema: object = {}): Parameter => ({
  name,
  in: 'query',
  description,
  schema: { type: 'string', ...schema },
});

const number = (name: string, description: string, schema: object): Parameter => ({
  ...text(name, description),
  schema: { type: 'integer', ...schema },
});

const flag = (name: string, description: string): Parameter => ({
  name,
  in: 'query',
  description: `${description} Set by being there, whatever its value, even \`false\`.`,
  allowEmptyValue: true,
  schema: { type: 'boolean' },
});

const header = (name: string, description: string, schema: object = {}): Parameter => ({
  ...text(name, description, schema),
  in: 'header',
});

const GO_DURATION = 'A Go duration, with or without a sign: `1h`, `-90m`.';

/** Parameters that more than one operation takes. */
export const PARAMETERS = {
  namespace: {
    ...header('X-Namespace', 'Full path of the namespace to work in. Rights are looked up there.', {
      examples: ['/826920578209172635/aws-dev-826088932159/default'],
    }),
    required: true,
  },
  id: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'ID of the object, which must live in the namespace of `X-Namespace`.',
    schema: { $ref: '#/components/schemas/ObjectId' },
  },
  fields: header('X-Fields', 'Attributes that the answer should have, separated by commas; absent: all.', {
    examples: ['ID,name'],
  }),
  idempotencyKey: header(
    'Idempotency-Key',
    'The same key and request within 24 hours get the first answer again and have no second effect; another request with the key is refused with 409.',
    { pattern: '^[\\x21-\\x7e]{1,255}$' },
  ),
  page: number(
    'page',
    'Which page, by number; with `pagesize`. Excludes `after` and `limit`. Sorts all there is, 50,000 objects at most.',
    {
      minimum: 1,
    },
  ),
  pagesize: number('pagesize', 'Objects on a page; 0 or absent: all. Also taken as `pageSize`.', {
    minimum: 0,
    maximum: 10_000,
  }),
  after: text('after', 'Cursor of the next page, as `X-Next` gave it; with `limit`.', { maxLength: 2048 }),
  limit: number(
    'limit',
    'Objects on a page, by cursor: the way through long lists. In order of creation, recursive lists by namespace first; excludes `propagated` and any other `order`.',
    { minimum: 1, maximum: 10_000 },
  ),
  order: {
    ...text('order', 'Attributes to sort by, `-` in front for descending order; may stand more than once.'),
    schema: {
      type: 'array',
      items: { type: 'string', pattern: '^-?[A-Za-z]+$' },
      examples: [['-createTime']],
    },
  },
  q: {
    ...text(
      'q',
      'Filter, `name == "web" and associatedTags contains "app=web"`. Operators: `==`, `!=`, `<`, `<=`, `>`, `>=`, `contains`, `not contains`, `in`, `not in`, `matches`, `exists`, `not exists`, joined by `and` and `or` from left to right. Of several, one must pass.',
    ),
    schema: { type: 'array', items: { type: 'string' }, examples: [['name == "web"']] },
  },
  tag: {
    ...text(
      'tag',
      'Edges alone of which one end has this tag; may stand more than once: it then has all of them.',
    ),
    schema: { type: 'array', items: { type: 'string' }, examples: [['app=web']] },
  },
  view: text(
    'view',
    'Groups of nodes: `TAG [as NAME] [in COLOR] then TAG …, …`. A tag `app=web`, a beginning `app=web*`, or a key `app` for a group of each of its values; `then` stands for groups within groups. A node is in the first group between commas that it has a tag of. What has spaces or commas stands in double quotes.',
    { maxLength: 1024, examples: ['$namespace then app as "app" in blue'] },
  ),
  recursive: flag('recursive', 'Objects of the namespaces below too.'),
  propagated: flag('propagated', 'Objects of the namespaces above too, as far as they propagate.'),
  archived: flag('archived', 'Taken from clients of the original; no object is archived.'),
  override: flag('override', 'Protected objects too.'),
  purge: {
    ...flag('recursive', ''),
    description:
      'The namespace with everything in it and below it; a workflow removes it. Set by being there, unless as `false`.',
  },
  dryRun: flag(
    'dryRun',
    'Everything is checked and answered as if it were done, and nothing is. No token, key or place for uploads is given out.',
  ),
  startAbsolute: text('startAbsolute', 'From when: RFC 3339, or milliseconds since the epoch.'),
  endAbsolute: text('endAbsolute', 'Until when: RFC 3339, or milliseconds since the epoch.'),
  startRelative: text('startRelative', `From how long ago. ${GO_DURATION}`),
  endRelative: text('endRelative', `Until how long ago. ${GO_DURATION}`),
  mode: text('mode', 'By which side of the policy: `subject` or `object`; absent: `object`.', {
    enum: ['subject', 'object'],
  }),
  asCookie: {
    ...flag('asCookie', ''),
    description:
      'The token comes as a cookie, out of reach of scripts. Set by being there, unless as `false`, `0` or `no`.',
  },
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;

/** How lists are asked. */
export const LIST: readonly ParameterName[] = [
  'page',
  'pagesize',
  'after',
  'limit',
  'order',
  'q',
  'recursive',
  'propagated',
  'archived',
];

/** What each kind of CRUD takes beside what all operations of its method take. */
const CRUD: Readonly<Record<NonNullable<Route['crud']>['action'], readonly ParameterName[]>> = {
  create: ['fields'],
  list: [...LIST, 'fields'],
  count: ['q', 'recursive', 'propagated', 'archived'],
  get: ['propagated', 'archived', 'fields'],
  update: ['override', 'fields'],
  patch: ['override', 'fields'],
  delete: ['override', 'fields'],
};

/** A poke writes, though it is a GET. */
export const mayWrite = ({ method, allow }: Route): boolean =>
  method === 'GET' || method === 'HEAD' ? allow !== 'everybody' && allow.verb !== 'get' : true;

/** Names of the shared parameters that an operation takes. */
export function parameterNames(route: Route): ParameterName[] {
  const { method, path, allow, crud, takes = [] } = route;
  return [
    ...(path.includes('{id}') ? (['id'] as const) : []),
    ...(allow === 'everybody' ? [] : (['namespace'] as const)),
    ...(crud ? CRUD[crud.action] : []),
    ...(crud?.action === 'delete' && crud.identity === 'namespace' ? (['purge'] as const) : []),
    ...takes,
    ...(mayWrite(route) && allow !== 'everybody' ? (['dryRun'] as const) : []),
    ...(method === 'POST' && allow !== 'everybody' ? (['idempotencyKey'] as const) : []),
  ];
}

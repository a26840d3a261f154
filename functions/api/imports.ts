import type { ImportReport, ImportRequest } from '../../shared/api/messages.ts';
import { type CrudAction, crudOperation, routes } from '../../shared/api/routes.ts';
import { grants } from '../../shared/core/roles.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { lineage, NamespacePath } from '../../shared/schema/ids.ts';
import {
  type Identity,
  identities,
  identityNamed,
  type ObjectOf,
  resourceOf,
} from '../../shared/schema/resources.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { everyIn, lineageObjects } from '../pipeline/authorize.ts';
import { authorizations } from './authorizations.ts';
import { enforcers } from './enforcers.ts';
import { legacy } from './legacy.ts';
import { namespaces } from './namespaces.ts';
import { policies } from './policies.ts';

const nouns: Record<string, Handler> = {
  ...namespaces,
  ...policies,
  ...enforcers,
  ...authorizations,
  ...legacy,
};

/** The tag by which an import finds what an earlier one with the same label made. */
const LABEL = '@import:label=';

/** Namespaces first, parents before children, as the others may live in them; the rest in the order of the registry. */
const ORDER: readonly Identity[] = ['namespace', ...identities.filter(identity => identity !== 'namespace')];

interface Entry {
  identity: Identity;
  /** Where it stands in the file: `externalnetworks[3]`. */
  at: string;
  namespace: NamespacePath;
  fields: Record<string, unknown>;
}

/** The file's objects in the order in which they are applied, each with its place. */
function entriesOf(data: ImportRequest['data']['data'], call: Call): Entry[] {
  const entries = Object.entries(data).flatMap(([name, objects]) => {
    const identity = identityNamed(name);
    if (!identity) {
      throw fail(
        'invalid',
        `Attribute 'data.${name}' names no resource; use one of ${identities.join(', ')}`,
        {
          attribute: `data.${name}`,
        },
      );
    }
    return objects.map(({ namespace, ...fields }, index): Entry => {
      const at = `${name}[${index}]`;
      return { identity, at, namespace: placeOf(namespace, at, call), fields };
    });
  });
  const kind = (entry: Entry) => ORDER.indexOf(entry.identity);
  const depth = (entry: Entry) => lineage(entry.namespace).length;
  return entries.sort((a, b) => kind(a) - kind(b) || depth(a) - depth(b));
}

/** Objects may name a namespace relative to the import's own, as in `./group` or `group`. */
function placeOf(namespace: unknown, at: string, call: Call): NamespacePath {
  if (namespace === undefined || namespace === '' || namespace === '.') return call.namespace;
  if (typeof namespace === 'string') {
    const path = below(call.namespace, namespace.replace(/^\.?\/*/, ''));
    if (path) return path;
  }
  throw fail(
    'invalid',
    `Attribute 'data.${at}.namespace' is \`${JSON.stringify(namespace)}\`; give a path relative to ${call.namespace}`,
    { attribute: `data.${at}.namespace`, value: namespace },
  );
}

/** Undefined when it would be no path. */
const below = (namespace: NamespacePath, relative: string): NamespacePath | undefined =>
  NamespacePath.safeParse(`${namespace === '/' ? '' : namespace}/${relative}`).data;

/** The call that creates or changes one object, as if it had come alone. */
async function callFor(
  entry: Entry,
  action: CrudAction,
  target: Call['target'],
  call: Call,
  deps: Deps,
): Promise<Call> {
  const operation = crudOperation(action, entry.identity);
  const route = routes[operation];
  const { allow } = route;
  if (allow !== 'everybody' && !call.held.some(held => grants(held, allow.identity, allow.verb))) {
    throw fail('forbidden', `you may not ${allow.verb} ${allow.identity} in ${entry.namespace}`);
  }
  const { namespace } = entry;
  const lineage = namespace === call.namespace ? call.lineage : await lineageObjects(deps.store, namespace);
  if (lineage === undefined) throw fail('not_found', `no namespace \`${namespace}\`; import it first`);
  return {
    ...call,
    operation,
    route,
    namespace,
    lineage,
    target,
    params: target ? { id: target.ID } : {},
    body: entry.fields,
  };
}

/** Whether the object is already as the file says, once defaults are filled in within what it says. */
function isAsSaid(identity: Identity, object: object, fields: Record<string, unknown>): boolean {
  const said = resourceOf(identity).input.partial().safeParse(fields);
  const { secrets = [] } = resourceOf(identity);
  return (
    said.success &&
    Object.keys(fields).every(
      key =>
        secrets.includes(key) ||
        JSON.stringify(Reflect.get(object, key)) === JSON.stringify(Reflect.get(said.data, key)),
    )
  );
}

/**
 * Takes the object that an entry means out of those that were there before the import: by its name where names are
 * unique, else by name and label. Each is taken once, so that two objects of one name in a file stay two.
 */
type Take = (entry: Entry, tag: string) => Promise<ObjectOf<Identity> | undefined>;

function takeFrom(store: Deps['store']): Take {
  const before = new Map<string, Promise<ObjectOf<Identity>[]>>();
  return async (entry, tag) => {
    const { identity, namespace, fields } = entry;
    const place = `${identity} ${namespace}`;
    const objects = before.get(place) ?? everyIn(store, identity, namespace);
    before.set(place, objects);
    const { unique } = resourceOf(identity);
    const name =
      identity === 'namespace'
        ? below(namespace, typeof fields.name === 'string' ? fields.name : '')
        : fields.name;
    const left = await objects;
    const at = left.findIndex(
      object =>
        Reflect.get(object, 'name') === name &&
        (unique !== undefined || object.metadata.some(it => it === tag)),
    );
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
}

async function apply(
  entry: Entry,
  label: string,
  take: Take,
  warnings: Set<string>,
  call: Call,
  deps: Deps,
): Promise<'created' | 'updated' | 'unchanged'> {
  const tag = `${LABEL}${label}`;
  const run = async (derived: Call): Promise<void> => {
    const reply = await nouns[derived.operation]?.(derived, deps);
    for (const message of reply?.messages ?? []) warnings.add(message);
  };
  const target = await take(entry, tag);
  const { metadata = [], ...said } = entry.fields;
  if (!target) {
    // What is no list is left as it is, for the create to refuse.
    const tagged = { ...said, metadata: Array.isArray(metadata) ? [...metadata, tag] : metadata };
    await run(await callFor({ ...entry, fields: tagged }, 'create', undefined, call, deps));
    return 'created';
  }
  const { name, ...rest } = said;
  const fields = resourceOf(entry.identity).unique === 'name' ? rest : { ...rest, name };
  if (isAsSaid(entry.identity, target, fields)) return 'unchanged';
  await run(await callFor({ ...entry, fields }, 'patch', target, call, deps));
  return 'updated';
}

/**
 * Applies the objects one after the other. What was applied before a bad one stays and is said; the same import
 * under the same label goes on where it stopped.
 */
const importObjects: Handler = async (call, deps) => {
  const { data } = call.body as ImportRequest;
  const label = data.label || `import-${call.requestID}`;
  const report: ImportReport = { label, created: 0, updated: 0, unchanged: 0 };
  const take = takeFrom(deps.store);
  const warnings = new Set<string>();
  for (const entry of entriesOf(data.data, call)) {
    try {
      report[await apply(entry, label, take, warnings, call, deps)]++;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const done = report.created + report.updated + report.unchanged;
      const before = `data.${entry.at}: `;
      const after = `; ${done} objects before it were applied, repeat the import with label \`${label}\` to go on`;
      throw new Failure(
        error.kind,
        error.details.map(detail => ({ ...detail, description: `${before}${detail.description}${after}` })),
      );
    }
  }
  return { body: report, messages: [...warnings] };
};

export const imports = { import: importObjects };

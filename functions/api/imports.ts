import type { ImportReport, ImportRequest } from '../../shared/api/messages.ts';
import { type CrudAction, crudOperation, routes } from '../../shared/api/routes.ts';
import { grants } from '../../shared/core/roles.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
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
import { namespaces } from './namespaces.ts';
import { policies } from './policies.ts';

const nouns: Record<string, Handler> = { ...namespaces, ...policies, ...enforcers, ...authorizations };

/** The tag by which an import finds what an earlier one with the same label made. */
const LABEL = '@import:label=';

/** Namespaces first, as the others may live in them; the rest in the order of the registry. */
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
  return entries.sort((a, b) => ORDER.indexOf(a.identity) - ORDER.indexOf(b.identity));
}

/** Objects may name a namespace relative to the import's own, as in `./group` or `group`. */
function placeOf(namespace: unknown, at: string, call: Call): NamespacePath {
  if (namespace === undefined || namespace === '' || namespace === '.') return call.namespace;
  const relative = String(namespace).replace(/^\.?\/*/, '');
  const path = NamespacePath.safeParse(`${call.namespace === '/' ? '' : call.namespace}/${relative}`);
  if (path.success) return path.data;
  throw fail(
    'invalid',
    `Attribute 'data.${at}.namespace' is \`${String(namespace)}\`; give a path relative to ${call.namespace}`,
  );
}

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

const same = (object: object, fields: Record<string, unknown>): boolean =>
  Object.entries(fields).every(
    ([key, value]) => JSON.stringify(Reflect.get(object, key)) === JSON.stringify(value),
  );

async function apply(
  entry: Entry,
  label: string,
  call: Call,
  deps: Deps,
): Promise<'created' | 'updated' | 'unchanged'> {
  const tag = `${LABEL}${label}`;
  const run = (derived: Call) => nouns[derived.operation]?.(derived, deps);
  const known: ObjectOf<Identity>[] = await everyIn(deps.store, entry.identity, entry.namespace);
  const { unique } = resourceOf(entry.identity);
  const name = entry.fields.name;
  const target = known.find(
    object =>
      (unique === 'name'
        ? object.normalizedTags.some(it => it === `$name=${childName(entry)}`)
        : Reflect.get(object, 'name') === name) &&
      (unique !== undefined || object.metadata.some(it => it === tag)),
  );
  if (!target) {
    const metadata = [...((entry.fields.metadata as string[] | undefined) ?? []), tag];
    await run(
      await callFor({ ...entry, fields: { ...entry.fields, metadata } }, 'create', undefined, call, deps),
    );
    return 'created';
  }
  const { metadata: _, name: __, ...rest } = entry.fields;
  const fields = unique === 'name' ? rest : { ...rest, name };
  if (same(target, fields)) return 'unchanged';
  await run(await callFor({ ...entry, fields }, 'patch', target, call, deps));
  return 'updated';
}

const childName = ({ namespace, fields }: Entry): string =>
  `${namespace === '/' ? '' : namespace}/${String(fields.name)}`;

/**
 * Applies the objects one after the other. What was applied before a bad one stays and is said; the same import
 * under the same label goes on where it stopped.
 */
const importObjects: Handler = async (call, deps) => {
  const { data } = call.body as ImportRequest;
  const label = data.label || `import-${call.requestID}`;
  const report: ImportReport = { label, created: 0, updated: 0, unchanged: 0 };
  for (const entry of entriesOf(data.data, call)) {
    try {
      report[await apply(entry, label, call, deps)]++;
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
  return { body: report };
};

export const imports = { import: importObjects };

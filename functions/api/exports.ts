import type { ExportRequest } from '../../shared/api/messages.ts';
import { whyAbsent } from '../../shared/core/absent.ts';
import { exportOf, notExported } from '../../shared/core/export.ts';
import { grants } from '../../shared/core/roles.ts';
import { fail } from '../../shared/schema/failure.ts';
import { type Identity, identities, identityNamed, type ObjectOf } from '../../shared/schema/resources.ts';
import type { Call, Handler } from '../call.ts';
import { list } from '../list.ts';

function identityOf(name: string, index: number, call: Call): Identity {
  const attribute = `identities[${index}]`;
  const identity = identityNamed(name);
  if (!identity) {
    throw fail(
      'invalid',
      `Attribute '${attribute}' is \`${name}\`, which names no resource; use one of ${identities.filter(one => !notExported(one)).join(', ')}`,
      { attribute, value: name },
    );
  }
  const reason = notExported(identity);
  if (reason) {
    throw fail('invalid', `Attribute '${attribute}' is \`${name}\`: ${reason}`, { attribute, value: name });
  }
  if (!call.held.some(held => grants(held, identity, 'get'))) {
    throw fail('forbidden', `you may not get ${identity} in ${call.namespace}`);
  }
  return identity;
}

/** Filters and `recursive` are those of lists; pages there are none. */
const exportObjects: Handler = async (call, deps) => {
  const { identities: named, label } = call.body as ExportRequest;
  const wanted = [
    ...new Set(
      named.flatMap((name, index) => (whyAbsent(name) === undefined ? [identityOf(name, index, call)] : [])),
    ),
  ];
  const messages = named.flatMap(name => {
    const why = whyAbsent(name);
    return why === undefined ? [] : [`${name} was left out: ${why}`];
  });
  const { q, recursive } = call.query;
  const query = { ...(q ? { q } : {}), ...(recursive ? { recursive } : {}) };
  const found = await Promise.all(
    wanted.map(async (identity): Promise<[Identity, ObjectOf<Identity>[]]> => {
      const { body } = await list(identity, { ...call, query }, deps);
      return [identity, body as ObjectOf<Identity>[]];
    }),
  );
  return { body: exportOf(new Map(found), call.namespace, label), messages };
};

export const exports = { export: exportObjects };

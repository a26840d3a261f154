import type { Command } from 'commander';
import { crudOperation } from '../../../shared/api/client.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { printable } from '../../terminal.ts';
import type { Io } from '../io.ts';
import { everyObject, identityOf, shownOf } from '../lookup.ts';
import * as options from '../options.ts';
import { formatOf, render } from '../output.ts';
import { sessionOf } from '../session.ts';
import type { Attributes } from '../values.ts';

interface Said {
  filter?: string[];
  recursive?: boolean;
  force?: boolean;
  confirm?: boolean;
  output?: string;
}

/** Objects that are named before it is confirmed. */
const NAMED = 20;

const EXAMPLES = `
Without --confirm it says what would be deleted, deletes nothing and ends with 2.

Examples:
  $ apoctl api delete-many extnet -n /acme -r -f 'associatedTags contains owner=old' --confirm
`;

export function addDeleteMany(api: Command, io: Io): void {
  const command = api
    .command('delete-many')
    .description('Delete all objects of a namespace that pass a filter; prints their IDs')
    .argument(...options.identityArgument)
    .requiredOption(...options.filter)
    .option('-r, --recursive', 'also those of all namespaces below; a namespace with all that is in it')
    .option('--force', 'also those that are protected')
    .option('--confirm', 'delete them')
    .option(...options.output('none'))
    .addHelpText('after', EXAMPLES)
    .action((named: string, said: Said, self: Command) => removeAll(io, named, said, options.flagsOf(self)));
  options.withGlobals(command);
}

const text = (object: Attributes, name: string): string => String(object[name] ?? '');

const nameOf = (object: Attributes): string =>
  `${text(object, 'name') || text(object, 'ID')} in ${text(object, 'namespace')}`;

async function removeAll(io: Io, named: string, said: Said, flags: options.Flags): Promise<void> {
  const identity = identityOf(named);
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'none');
  const flag = said.recursive ? { recursive: true } : {};
  const found = await everyObject(session, identity, { ...flag, q: said.filter ?? [] });
  if (!said.confirm) {
    for (const object of found.slice(0, NAMED)) io.err(`${printable(nameOf(object))}\n`);
    if (found.length > NAMED) io.err(`and ${found.length - NAMED} more\n`);
    throw fail('bad_request', `${found.length} objects would be deleted; add --confirm to delete them`);
  }
  const query = { ...flag, ...(said.force ? { override: true } : {}) };
  const deleted: Attributes[] = [];
  try {
    // What is below goes before what is above it.
    for (const object of found.toReversed()) {
      const request = {
        namespace: text(object, 'namespace') as never,
        params: { id: text(object, 'ID') },
        query,
      };
      const { messages } = await session.client.send(crudOperation('delete', identity), request);
      session.warn(messages);
      deleted.push(object);
    }
  } finally {
    const shape = { shown: shownOf(identity), columns: [], single: false };
    if (deleted.length > 0) io.out(render(format, deleted, shape));
  }
}

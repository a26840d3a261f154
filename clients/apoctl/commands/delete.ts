import type { Command } from 'commander';
import { crudOperation } from '../../../shared/api/client.ts';
import type { Io } from '../io.ts';
import { findOne, identityOf, queryOf, shownOf } from '../lookup.ts';
import * as options from '../options.ts';
import { formatOf, render } from '../output.ts';
import { sessionOf } from '../session.ts';
import { type Attributes, isAttributes } from '../values.ts';

interface DeleteOptions {
  output?: string;
  param?: string[];
  recursive?: boolean;
  force?: boolean;
}

const EXAMPLES = `
Examples:
  $ apoctl api delete extnet dns -n /acme
  $ apoctl api delete namespace /acme/frontend --recursive
`;

export function addDelete(api: Command, io: Io): void {
  const command = api
    .command('delete')
    .description('Delete objects by their IDs or names; prints their IDs')
    .argument(...options.identityArgument)
    .argument('<id or name...>', 'the ID, or the name where only one object has it')
    .option('-r, --recursive', 'a namespace with all that is in it')
    .option('--force', 'also when the object is protected')
    .option(...options.output('none'))
    .option(...options.param)
    .addHelpText('after', EXAMPLES)
    .action((named: string, which: string[], said: DeleteOptions, self: Command) =>
      remove(io, named, which, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function remove(
  io: Io,
  named: string,
  which: readonly string[],
  said: DeleteOptions,
  flags: options.Flags,
): Promise<void> {
  const identity = identityOf(named);
  const query = {
    ...queryOf(said.param),
    ...(said.recursive ? { recursive: true } : {}),
    ...(said.force ? { override: true } : {}),
  };
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'none');
  // All names are resolved first, so that a wrong one deletes nothing.
  const found = [];
  for (const one of which) found.push(await findOne(session, identity, one));
  const deleted: Attributes[] = [];
  try {
    for (const { namespace, id } of found) {
      const request = { namespace, params: { id }, query };
      const answer = await session.client.send(crudOperation('delete', identity), request);
      session.warn(answer.messages);
      deleted.push(isAttributes(answer.body) ? answer.body : { ID: id });
    }
  } finally {
    const shape = { shown: shownOf(identity), columns: [], single: which.length === 1 };
    if (deleted.length > 0) io.out(render(format, deleted, shape));
  }
}

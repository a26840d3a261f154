import type { Command } from 'commander';
import { crudOperation } from '../../../shared/api/client.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { resourceOf } from '../../../shared/schema/resources.ts';
import { objectsOf, type Source } from '../documents.ts';
import type { Io } from '../io.ts';
import { findOne, identityOf, queryOf, shownOf } from '../lookup.ts';
import * as options from '../options.ts';
import { columnsOf, formatOf, render } from '../output.ts';
import { sessionOf } from '../session.ts';
import { isAttributes } from '../values.ts';

interface UpdateOptions extends Source {
  output?: string;
  column?: string[];
  param?: string[];
  force?: boolean;
}

const EXAMPLES = `
Examples:
  $ apoctl api update namespace frontend -n /acme -k defaultPUIncomingTrafficAction Reject
  $ apoctl api update extnet dns -n /acme -k entries '["8.8.8.8/32", "8.8.4.4/32"]' -o json
`;

export function addUpdate(api: Command, io: Io): void {
  const command = api
    .command('update')
    .description('Change the attributes that are named of one object, and leave the others; prints its ID')
    .argument(...options.identityArgument)
    .argument(...options.objectArgument);
  options
    .withAttributes(command)
    .option('--force', 'also when the object is protected')
    .option(...options.output('none'))
    .option(...options.column)
    .option(...options.param)
    .addHelpText('after', EXAMPLES)
    .action((named: string, which: string, said: UpdateOptions, self: Command) =>
      update(io, named, which, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function update(
  io: Io,
  named: string,
  which: string,
  said: UpdateOptions,
  flags: options.Flags,
): Promise<void> {
  const identity = identityOf(named);
  const resource = resourceOf(identity);
  const shown = shownOf(identity);
  const columns = columnsOf(shown, said.column ?? []);
  const query = { ...queryOf(said.param), ...(said.force ? { override: true } : {}) };
  const [body, ...more] = await objectsOf(io, resource, said);
  if (more.length > 0)
    throw fail('bad_request', `an update takes one object, and -f holds ${more.length + 1}`);
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'none');
  const { namespace, id } = await findOne(session, identity, which);
  const request = { namespace, params: { id }, query, body };
  const answer = await session.client.send(crudOperation('patch', identity), request);
  session.warn(answer.messages);
  const updated = isAttributes(answer.body) ? answer.body : { ID: id };
  io.out(render(format, [updated], { shown, columns, single: true }));
}

import type { Command } from 'commander';
import { crudOperation } from '../../../shared/api/client.ts';
import type { Io } from '../io.ts';
import { findOne, identityOf, queryOf, shownOf } from '../lookup.ts';
import * as options from '../options.ts';
import { columnsOf, formatOf, render } from '../output.ts';
import { sessionOf } from '../session.ts';
import { isAttributes } from '../values.ts';

interface GetOptions {
  output?: string;
  column?: string[];
  param?: string[];
}

const EXAMPLES = `
Examples:
  $ apoctl api get namespace /acme/frontend -c ID -o yaml
  $ apoctl api get extnet dns -n /acme -o table
  $ apoctl api get enforcer 019aa1b2c3d4e5f601234567 -n /acme
`;

export function addGet(api: Command, io: Io): void {
  const command = api
    .command('get')
    .description('Get one object by its ID or its name')
    .argument(...options.identityArgument)
    .argument(...options.objectArgument)
    .option(...options.output('json'))
    .option(...options.column)
    .option(...options.param)
    .addHelpText('after', EXAMPLES)
    .action((named: string, which: string, said: GetOptions, self: Command) =>
      get(io, named, which, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function get(
  io: Io,
  named: string,
  which: string,
  said: GetOptions,
  flags: options.Flags,
): Promise<void> {
  const identity = identityOf(named);
  const shown = shownOf(identity);
  const columns = columnsOf(shown, said.column ?? []);
  const query = queryOf(said.param);
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'json');
  const { namespace, id } = await findOne(session, identity, which);
  const answer = await session.client.send(crudOperation('get', identity), {
    namespace,
    params: { id },
    query,
  });
  session.warn(answer.messages);
  if (isAttributes(answer.body)) io.out(render(format, [answer.body], { shown, columns, single: true }));
}

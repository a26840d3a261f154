import type { Command } from 'commander';
import { crudOperation } from '../../../shared/api/client.ts';
import { resourceOf } from '../../../shared/schema/resources.ts';
import { printable } from '../../terminal.ts';
import { objectsOf, type Source } from '../documents.ts';
import type { Io } from '../io.ts';
import { identityOf, queryOf, shownOf } from '../lookup.ts';
import * as options from '../options.ts';
import { columnsOf, formatOf, render } from '../output.ts';
import { sessionOf } from '../session.ts';
import { type Attributes, isAttributes } from '../values.ts';

interface CreateOptions extends Source {
  output?: string;
  column?: string[];
  param?: string[];
}

const EXAMPLES = `
Examples:
  $ apoctl api create namespace -n /acme -k name frontend -k type Group
  $ apoctl api create extnet -n /acme -d '{"name": "dns", "entries": ["8.8.8.8/32"]}' -o yaml
  $ apoctl api create enforcerprofile -n /acme -f - <<EOF
  name: ignore-host-agent
  ignoreExpression:
  - - '@app:k8s:serviceaccountname=host-agent'
  associatedTags:
  - enforcerprofile=ignore.host-agent
  propagate: true
  EOF
`;

export function addCreate(api: Command, io: Io): void {
  const command = api
    .command('create')
    .description('Create objects, one for each in the file; prints their IDs')
    .argument(...options.identityArgument);
  options
    .withAttributes(command)
    .option(...options.output('none'))
    .option(...options.column)
    .option(...options.param)
    .addHelpText('after', EXAMPLES)
    .action((named: string, said: CreateOptions, self: Command) =>
      create(io, named, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function create(io: Io, named: string, said: CreateOptions, flags: options.Flags): Promise<void> {
  const identity = identityOf(named);
  const resource = resourceOf(identity);
  const shown = shownOf(identity);
  const columns = columnsOf(shown, said.column ?? []);
  const query = queryOf(said.param);
  const objects = await objectsOf(io, resource, said);
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'none');
  const created: Attributes[] = [];
  const { client, namespace } = session;
  try {
    for (const body of objects) {
      const answer = await client.send(crudOperation('create', identity), { namespace, query, body });
      session.warn(answer.messages);
      if (isAttributes(answer.body)) created.push(answer.body);
    }
  } catch (error) {
    if (objects.length > 1) {
      const name = String(objects[created.length]?.name ?? 'without a name');
      io.err(
        `stopped at object ${created.length + 1} of ${objects.length} (${printable(name)}); those before it exist\n`,
      );
    }
    throw error;
  } finally {
    // What was created is said even when a later object was refused.
    if (created.length > 0) io.out(render(format, created, { shown, columns, single: objects.length === 1 }));
  }
}

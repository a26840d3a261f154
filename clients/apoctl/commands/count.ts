import type { Command } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';
import type { Io } from '../io.ts';
import { countOperation, listableOf, queryOf } from '../lookup.ts';
import * as options from '../options.ts';
import { sessionOf } from '../session.ts';

interface CountOptions {
  param?: string[];
  filter?: string[];
  recursive?: boolean;
}

const EXAMPLES = `
Examples:
  $ apoctl api count processingunits -n /acme --recursive
  $ apoctl api count processingunits -n /acme -r -f 'operationalStatus == Running'
`;

export function addCount(api: Command, io: Io): void {
  const command = api
    .command('count')
    .description('Count the objects of a namespace')
    .argument(...options.identityArgument)
    .option('-r, --recursive', 'also those of all namespaces below')
    .option(...options.filter)
    .option(...options.param)
    .addHelpText('after', EXAMPLES)
    .action((named: string, said: CountOptions, self: Command) =>
      count(io, named, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function count(io: Io, named: string, said: CountOptions, flags: options.Flags): Promise<void> {
  const operation = countOperation(listableOf(named));
  const query = {
    ...queryOf(said.param),
    ...(said.filter ? { q: said.filter } : {}),
    ...(said.recursive ? { recursive: true } : {}),
  };
  const { client, namespace, warn } = await sessionOf(io, flags);
  const { total, messages } = await client.send(operation, { namespace, query });
  warn(messages);
  if (total === undefined) throw fail('unavailable', 'the API answered without X-Count-Total');
  io.out(`${total}\n`);
}

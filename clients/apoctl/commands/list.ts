import type { Command } from 'commander';
import { resourceOf } from '../../../shared/schema/resources.ts';
import type { Io } from '../io.ts';
import { everyObject, identityOf, onePage, queryOf } from '../lookup.ts';
import * as options from '../options.ts';
import { columnsOf, formatOf, render } from '../output.ts';
import { sessionOf } from '../session.ts';

interface ListOptions {
  output?: string;
  column?: string[];
  param?: string[];
  filter?: string[];
  recursive?: boolean;
  order?: string[];
  page?: string;
  pageSize?: string;
}

const EXAMPLES = `
Examples:
  $ apoctl api list namespaces -n /acme -r -o table -c ID,name,type
  $ apoctl api list netruleset -n /acme -p propagated=true -O -updateTime
  $ apoctl api list enforcers -n /acme -P 2 -S 50 -o yaml
  $ apoctl api list enforcers -n /acme -f 'associatedTags contains env=prod and lastSyncTime < now("-1h")'
`;

export function addList(api: Command, io: Io): void {
  const command = api
    .command('list')
    .alias('ls')
    .description('List the objects of a namespace: all of them, unless a page is asked for')
    .argument(...options.identityArgument)
    .option('-r, --recursive', 'also those of all namespaces below')
    .option(...options.output('json'))
    .option(...options.column)
    .option(...options.filter)
    .option(...options.param)
    .option(
      '-O, --order <attribute>',
      'attribute to order by, repeatable; -attribute: descending',
      options.each,
    )
    .option('-P, --page <number>', 'only this page, from 1')
    .option('-S, --page-size <number>', 'objects on a page')
    .addHelpText('after', EXAMPLES)
    .action((named: string, said: ListOptions, self: Command) =>
      list(io, named, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function list(io: Io, named: string, said: ListOptions, flags: options.Flags): Promise<void> {
  const identity = identityOf(named);
  const resource = resourceOf(identity);
  const columns = columnsOf(resource, said.column ?? []);
  const query = {
    ...queryOf(said.param),
    ...(said.filter ? { q: said.filter } : {}),
    ...(said.recursive ? { recursive: true } : {}),
    ...(said.order ? { order: said.order } : {}),
  };
  const page = {
    ...(said.page === undefined ? {} : { page: options.wholeNumber(said.page, '-P') }),
    ...(said.pageSize === undefined ? {} : { pagesize: options.wholeNumber(said.pageSize, '-S') }),
  };
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'json');
  const paged = ['page', 'pagesize', 'after', 'limit'].some(name => name in page || name in query);
  const objects = paged
    ? await onePage(session, identity, { ...query, ...page })
    : await everyObject(session, identity, query);
  io.out(render(format, objects, { resource, columns, single: false }));
}

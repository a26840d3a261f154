import type { Command } from 'commander';
import { listings } from '../../../shared/api/client.ts';
import type { Io } from '../io.ts';
import { everyEntry, everyObject, listableOf, onePage, queryOf, shownOf } from '../lookup.ts';
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
Beside identities there are lists that can only be read: ${listings.map(({ plural }) => plural).join(', ')}.

Examples:
  $ apoctl api list namespaces -n /acme -r -o table -c ID,name,type
  $ apoctl api list netruleset -n /acme -p propagated=true -O -updateTime
  $ apoctl api list enforcers -n /acme -P 2 -S 50 -o yaml
  $ apoctl api list enforcers -n /acme -f 'associatedTags contains env=prod and lastSyncTime < now("-1h")'
  $ apoctl api list activities -n /acme -p startRelative=-1d -o table -c date,claims,message
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
  const what = listableOf(named);
  const shown = shownOf(what);
  const columns = columnsOf(shown, said.column ?? []);
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
    ? await onePage(session, what, { ...query, ...page })
    : typeof what === 'string'
      ? await everyObject(session, what, query)
      : await everyEntry(session, what, query);
  io.out(render(format, objects, { shown, columns, single: false }));
}

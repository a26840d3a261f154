import type { Command } from 'commander';
import { listingNamed } from '../../../shared/api/client.ts';
import { fail } from '../../../shared/schema/failure.ts';
import type { Io } from '../io.ts';
import type { Query } from '../lookup.ts';
import * as options from '../options.ts';
import { columnsOf, formatOf, render, type Shown } from '../output.ts';
import { type Session, sessionOf } from '../session.ts';
import type { Attributes } from '../values.ts';

interface Said {
  recursive?: boolean;
  from?: string;
  to?: string;
  fromRel?: string;
  toRel?: string;
  filter?: string[];
  limit: string;
  output?: string;
  column?: string[];
}

/** Most records that the API gives at once. */
const PAGE = 1000;
const USUAL = [
  'timestamp',
  'action',
  'sourceName',
  'sourceIP',
  'destinationName',
  'destinationIP',
  'destinationPort',
  'protocol',
  'policyID',
  'value',
];

const EXAMPLES = `
The query is RQL: comparisons of attributes with =, !=, <, <=, >, >=, in (…), contains and matches (RE2), joined by and, or, not and
parentheses. Addresses are compared with networks too, protocols by name or number. Words with spaces or signs stand in single quotes.
Times are UTC; without any, the records of the last hour are looked at.

Examples:
  $ apoctl reportsquery flows -n /acme -r -o table "action = Reject and destinationPort in (22, 3389)"
  $ apoctl reportsquery flows -n /acme -r --from-rel 24h "sourceIP = 10.0.0.0/8 and not destinationIP = 10.0.0.0/8"
  $ apoctl reportsquery flows -n /acme --from 2026-03-01T08:00:00Z --to 2026-03-01T09:00:00Z -f 'observed == true'
`;

/** The original's name for questions about what agents reported; of its kinds there are flows. */
export function addReportsQuery(program: Command, io: Io): void {
  const group = options.withGlobals(
    program.command('reportsquery').description('Find what enforcers reported'),
  );
  const command = group
    .command('flows')
    .description('Find flow records, newest first')
    .argument(
      '[query]',
      'conditions in RQL, `network from microseg.flow_record where` may stand before them; absent: all',
    )
    .option('-r, --recursive', 'also those of all namespaces below')
    .option('--from <time>', 'from this moment on, UTC')
    .option('--to <time>', 'before this moment, UTC')
    .option('--from-rel <duration>', 'from so long ago on, such as 2h or 30m')
    .option('--to-rel <duration>', 'before so long ago')
    .option(
      '-f, --filter <expression>',
      'instead of a query: only records that pass, as in api list; repeatable: any of them',
      options.each,
    )
    .option('-l, --limit <number>', 'most records', '1000')
    .option(...options.output('json'))
    .option(...options.column)
    .addHelpText('after', EXAMPLES)
    .action((query: string | undefined, said: Said, self: Command) =>
      flows(io, query, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

const parametersOf = ({ from, to, fromRel, toRel, recursive }: Said): Query => ({
  ...(from === undefined ? {} : { startAbsolute: from }),
  ...(to === undefined ? {} : { endAbsolute: to }),
  ...(fromRel === undefined ? {} : { startRelative: fromRel }),
  ...(toRel === undefined ? {} : { endRelative: toRel }),
  ...(recursive ? { recursive: true } : {}),
});

interface Page {
  records: readonly Attributes[];
  next?: string | undefined;
}

/** One page of records, by whichever language the question is in. */
function asking({ client, namespace, warn }: Session, rql: string | undefined, said: Said) {
  const window = parametersOf(said);
  return async (limit: number, after: string | undefined): Promise<Page> => {
    if (rql !== undefined) {
      const token = after === undefined ? {} : { pageToken: after };
      const { body, messages } = await client.call('createCnssearch', {
        namespace,
        query: window,
        body: { query: rql, limit, ...token },
      });
      warn(messages);
      return { records: body.data.items.flowReports, next: body.data.nextPageToken };
    }
    const query = { ...window, limit, ...(said.filter ? { q: said.filter } : {}) };
    const { body, messages, next } = await client.call('createReportsQuery', {
      namespace,
      query: { ...query, ...(after === undefined ? {} : { after }) },
      body: { report: 'Flows' },
    });
    warn(messages);
    return { records: body.flowReports, next };
  };
}

async function flows(io: Io, rql: string | undefined, said: Said, flags: options.Flags): Promise<void> {
  if (rql !== undefined && said.filter) {
    throw fail('bad_request', 'a query and -f are two languages for the same; give one of them');
  }
  const most = options.wholeNumber(said.limit, '-l');
  const shown: Shown = { plural: 'flowreports', attributes: listingNamed('flowreports')?.attributes ?? [] };
  const columns = columnsOf(shown, said.column ?? []);
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'json');
  const ask = asking(session, rql, said);
  const found: Attributes[] = [];
  let after: string | undefined;
  do {
    const page = await ask(Math.min(PAGE, most - found.length), after);
    found.push(...page.records);
    after = page.next;
  } while (after !== undefined && found.length < most);
  if (after !== undefined)
    session.warn([
      `there are more than ${most} records; these are the newest. Raise -l, or narrow the query`,
    ]);
  const usual = format === 'table' && columns.length === 0 ? USUAL : columns;
  io.out(render(format, found, { shown, columns: usual, single: false }));
}

import type { Command } from 'commander';
import { type ListenerState, listenAlways } from '../../../shared/api/listen.ts';
import { subscriptionOf } from '../../../shared/core/push.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { PushConfig } from '../../../shared/schema/push.ts';
import { printable } from '../../terminal.ts';
import type { Io } from '../io.ts';
import { identityOf } from '../lookup.ts';
import * as options from '../options.ts';
import { type Session, sessionOf } from '../session.ts';
import { EVENT_FORMATS, eventPrinter } from '../stream.ts';

interface ListenOptions {
  recursive?: boolean;
  filter?: string;
  output?: string;
  template?: string;
}

const EXAMPLES = `
It comes back by itself when the connection ends, and says so; what happened meanwhile is not told, so read it then.
Ctrl-C ends it.

Examples:
  $ apoctl api listen -n /acme -r
  $ apoctl api listen networkrulesetpolicies externalnetworks -n /acme -r -o yaml
  $ apoctl api listen enforcers -n /acme -r -f 'operationalStatus == Disconnected'
  $ apoctl api listen namespaces -n /acme -r --template '{{ .type }} {{ .entity.name }}'
`;

export function addListen(api: Command, io: Io): void {
  const command = api
    .command('listen')
    .description('Show what is created, changed and deleted from now on, until it is ended')
    .argument('[identity...]', 'resources to hear of; none: all of them')
    .option('-r, --recursive', 'also what happens in all namespaces below')
    .option('-f, --filter <expression>', 'only objects that pass; needs one identity')
    .option(
      '-o, --output <format>',
      `${EVENT_FORMATS.join('|')}; json: a line each; none: IDs only (env APOCTL_OUTPUT; default json)`,
    )
    .option(
      '--template <text>',
      'Go template of an event: {{ .type }}, {{ .entity.name }}; means -o template',
    )
    .addHelpText('after', EXAMPLES)
    .action((named: string[], said: ListenOptions, self: Command) =>
      listen(io, named, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

function configOf(named: readonly string[], filter: string | undefined): PushConfig {
  const identities = named.map(identityOf);
  const [only, ...more] = identities;
  if (filter !== undefined && (only === undefined || more.length > 0)) {
    throw fail('bad_request', '--filter is about one resource; name it, and no other');
  }
  return PushConfig.parse({
    identities: Object.fromEntries(identities.map(identity => [identity, []])),
    filters: only !== undefined && filter !== undefined ? { [only]: filter } : {},
  });
}

/**
 * Where the API says that its push events are. Unless they have a host of their own, that is where the API is: it may call
 * itself by a name that is none here.
 */
async function eventsAt({ client, api }: Session): Promise<string> {
  const here = `${api.replace(/^http/, 'ws')}/events`;
  const { body } = await client.send('getMetaConfig');
  const told: Record<string, unknown> = Object(body);
  const { api: name, events } = told;
  if (typeof events !== 'string' || !URL.canParse(events)) return here;
  const isOwn = typeof name === 'string' && URL.canParse(name) && new URL(name).host !== new URL(events).host;
  return isOwn ? events : here;
}

const tellState =
  (io: Io, where: string) =>
  (state: ListenerState): void => {
    if (state.kind === 'open') io.err(`listening in ${where}\n`);
    else if (state.kind === 'back')
      io.err(
        `listening in ${where} again; what happened since ${new Date(state.since).toISOString()} was not told\n`,
      );
    else
      io.err(`lost: ${printable(state.reason)}; coming back in ${(state.wait / 1000).toFixed(1)} seconds\n`);
  };

/** Ends when the user says so, or when the API refuses for good. */
async function listen(
  io: Io,
  named: readonly string[],
  { recursive = false, filter, output, template }: ListenOptions,
  flags: options.Flags,
): Promise<void> {
  const config = configOf(named, filter);
  const session = await sessionOf(io, flags);
  const { client, namespace } = session;
  const print = eventPrinter({ output: output ?? session.output, template });
  // What is wrong with a filter is found out before anybody is asked.
  subscriptionOf({ namespace, recursive }, config, new Date(io.now()));
  const signal = io.interrupted();
  await listenAlways({
    url: async () => {
      const query = new URLSearchParams({
        token: await session.token(),
        namespace,
        enableErrors: 'true',
        ...(recursive && { mode: 'all' }),
      });
      return `${await eventsAt(session)}?${query}`;
    },
    probe: () => client.call('getNamespaceInfo', { namespace }),
    config,
    event: event => {
      if (event.type !== 'error') return io.out(print(event));
      const { description } = Object(event.entity);
      io.err(`error: ${printable(String(description ?? JSON.stringify(event.entity)))}\n`);
    },
    state: tellState(io, `${namespace}${recursive ? ' and below' : ''}`),
    signal,
    sleep: io.sleep,
    now: io.now,
    random: Math.random,
  });
  io.err('ended\n');
}

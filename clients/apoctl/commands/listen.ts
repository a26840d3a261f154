import type { Command } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';
import { type Io, printable } from '../io.ts';
import { identityOf } from '../lookup.ts';
import * as options from '../options.ts';
import { type Session, sessionOf } from '../session.ts';

interface ListenOptions {
  recursive?: boolean;
  filter?: string;
}

const EXAMPLES = `
Examples:
  $ apoctl api listen -n /acme -r
  $ apoctl api listen networkrulesetpolicies externalnetworks -n /acme -r
  $ apoctl api listen enforcers -n /acme -r -f 'operationalStatus == Disconnected'
`;

export function addListen(api: Command, io: Io): void {
  const command = api
    .command('listen')
    .description(
      'Show what is created, changed and deleted from now on, a line of JSON each, until it is ended',
    )
    .argument('[identity...]', 'resources to hear of; none: all of them')
    .option('-r, --recursive', 'also what happens in all namespaces below')
    .option('-f, --filter <expression>', 'only objects that pass; needs one identity')
    .addHelpText('after', EXAMPLES)
    .action((named: string[], said: ListenOptions, self: Command) =>
      listen(io, named, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

function configOf(named: readonly string[], filter: string | undefined): string {
  const identities = named.map(identityOf);
  const [only, ...more] = identities;
  if (filter !== undefined && (only === undefined || more.length > 0)) {
    throw fail('bad_request', '--filter is about one resource; name it, and no other');
  }
  return JSON.stringify({
    identities: Object.fromEntries(identities.map(identity => [identity, []])),
    filters: only !== undefined && filter !== undefined ? { [only]: filter } : {},
  });
}

async function urlOf({ api, token, namespace }: Session, recursive: boolean): Promise<string> {
  const query = new URLSearchParams({
    token: await token(),
    namespace,
    ...(recursive ? { mode: 'all' } : {}),
  });
  return `${api.replace(/^http/, 'ws')}/events?${query}`;
}

/** Ends only when the other side does: what is lost meanwhile is not sent again, so that whoever listens must know. */
async function listen(
  io: Io,
  named: readonly string[],
  { recursive = false, filter }: ListenOptions,
  flags: options.Flags,
): Promise<void> {
  const config = configOf(named, filter);
  const session = await sessionOf(io, flags);
  const socket = new WebSocket(await urlOf(session, recursive));
  let isOpen = false;
  socket.onopen = () => {
    isOpen = true;
    socket.send(config);
    io.err(`listening in ${session.namespace}${recursive ? ' and below' : ''}\n`);
  };
  socket.onmessage = ({ data }) => io.out(`${printable(String(data))}\n`);
  const reason = await new Promise<string>(done => {
    socket.onclose = ({ reason: said, code }) => done(said || `the connection ended with ${code}`);
    // A close follows, which knows no more of a refusal than this does.
    socket.onerror = () => undefined;
  });
  if (isOpen)
    throw fail('unavailable', `${printable(reason)}; listen again, and read what happened meanwhile`);
  // A WebSocket does not tell why it was refused; the API tells who asks it plainly.
  await session.client.call('getNamespaceInfo', { namespace: session.namespace });
  throw fail('unavailable', `${session.api} does not serve push events: ${printable(reason)}`);
}

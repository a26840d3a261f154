import { isIP } from 'node:net';
import { type Command, Option } from 'commander';
import type { DecisionAnswer, DecisionRequest } from '../../../shared/api/client.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { NamespacePath, ObjectId } from '../../../shared/schema/ids.ts';
import { printable, printableJson, printableYaml } from '../../terminal.ts';
import type { Io } from '../io.ts';
import * as options from '../options.ts';
import { sessionOf } from '../session.ts';

interface DecideOptions {
  output: 'text' | 'json' | 'yaml';
  expect?: DecisionAnswer['verdict'];
}

type End = DecisionRequest['source'];
type Tags = Extract<End, { tags: unknown }>['tags'];

const EXAMPLES = `
An end is one of
  app=web,tier=front        tags that a processing unit has, or would have
  0190f3a1b2c3d4e5f6071829  the ID of a processing unit
  198.51.100.7              an address; one that a processing unit has means that unit
  packages.example.com      a DNS name
  a.example.com,b.example.com@198.51.100.7
                            an address and the DNS names that lead to it; the enforcer on a host goes by all that it knows of
Tags and IDs are looked up in the namespace of -n; another one below it stands behind: app=web@/acme/aws-dev/web

Exit codes: 0 answered, 1 refused, or another verdict than --expect, 2 wrong usage.

Examples:
  $ apoctl decide -n /acme 198.51.100.7 app=web@/acme/aws-dev/web tcp/443
  $ apoctl decide -n /acme app=web app=db tcp/5432 --expect allow
`;

export function addDecide(program: Command, io: Io): void {
  const command = program
    .command('decide')
    .description('Say whether a flow is allowed, by which rule at each end, and in which bundle')
    .argument('<source>', 'the end that begins')
    .argument('<destination>', 'the end that is asked')
    .argument('<protocol/port>', 'such as tcp/443, udp/53, icmp/8/0')
    .addOption(
      new Option('--expect <verdict>', 'end with 1 unless this is the answer').choices(['allow', 'reject']),
    )
    .addOption(
      new Option('-o, --output <format>', 'how to show it').choices(['text', 'json', 'yaml']).default('text'),
    )
    .addHelpText('after', EXAMPLES)
    .action((source: string, destination: string, traffic: string, said: DecideOptions, self: Command) =>
      decide(io, [source, destination, traffic], said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

/** What is meant by an end on the command line. */
export function endOf(text: string): End {
  const [, names = '', address = ''] = /^([^@=/]+)@([^@/]+)$/.exec(text) ?? [];
  if (isIP(address) !== 0) return { address, names: names.split(',') };
  const [, said = '', path] = /^(.*?)(?:@(\/.*))?$/s.exec(text) ?? [];
  const namespace = path === undefined ? undefined : NamespacePath.safeParse(path);
  if (namespace?.success === false) {
    throw fail('bad_request', `the namespace behind @ must be such as /acme/aws-dev, not \`${path}\``);
  }
  const where = namespace ? { namespace: namespace.data } : {};
  const id = ObjectId.safeParse(said);
  if (id.success) return { processingUnit: id.data, ...where };
  if (said.includes('=')) return { tags: said.split(',') as Tags, ...where };
  if (namespace) {
    throw fail(
      'bad_request',
      `an address or name lives in no namespace; leave out @${path} behind \`${said}\``,
    );
  }
  if (isIP(said) !== 0) return { address: said };
  if (said === '')
    throw fail('bad_request', 'an end must be tags, an ID, an address or a DNS name, not empty');
  return { name: said };
}

const lineOf = ({
  side,
  namespace,
  reason,
  ignoredTags,
  bundles,
}: DecisionAnswer['sides'][number]): string => {
  const carried = bundles.map(bundle => `revision ${bundle.revision} of ${bundle.namespace}`).join(', ');
  return [
    `${side.padEnd(12)} ${namespace}`,
    `  ${reason}`,
    ...ignoredTags.map(
      ({ tag, prefix, reason: why }) => `  ${tag} is ignored: ${why}; add ${prefix} to tagPrefixes`,
    ),
    `  ${carried === '' ? 'no bundle carries this policy yet' : `carried by ${carried}`}`,
  ]
    .map(line => `${printable(line)}\n`)
    .join('');
};

async function decide(
  io: Io,
  [source, destination, protocolPort]: [string, string, string],
  { output, expect }: DecideOptions,
  flags: options.Flags,
): Promise<void> {
  const body = { source: endOf(source), destination: endOf(destination), protocolPort };
  const { client, namespace, warn } = await sessionOf(io, flags);
  const { body: answer, messages } = await client.call('decideFlow', { namespace, body });
  warn(messages);
  if (output === 'json') io.out(`${printableJson(answer, 2)}\n`);
  else if (output === 'yaml') io.out(printableYaml(answer, { lineWidth: 0, aliasDuplicateObjects: false }));
  else io.out(`${answer.verdict} ${protocolPort}\n${answer.sides.map(lineOf).join('')}`);
  if (expect !== undefined && answer.verdict !== expect) {
    throw fail(
      'conflict',
      `the flow is ${answer.verdict === 'allow' ? 'allowed' : 'rejected'}, not as expected`,
    );
  }
}

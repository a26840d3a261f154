import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { preflight, stopping } from '../../../shared/core/preflight/preflight.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { HostFacts, type PreflightFinding } from '../../../shared/schema/host-facts.ts';
import { collect } from '../../host/collect.ts';
import { hostAt } from '../../host/host.ts';
import { reach } from '../../host/reach.ts';
import { printable, printableJson } from '../../terminal.ts';
import type { Io } from '../io.ts';
import * as options from '../options.ts';
import { sessionOf } from '../session.ts';
import { settle } from '../settings.ts';

interface PreflightOptions {
  root: string;
  facts?: string;
  offline?: boolean;
  forceCheck: string[];
  enforcerVersion: string;
  output: string;
}

const EXAMPLES = `
A failed check stops an install. --force-check NAME overrides one check by its name, and the activity log says who did.
Exit codes: 0 the agent can be installed, 1 it cannot, 2 wrong usage.

Examples:
  $ apoctl enforcer preflight -n /acme/aws-dev/web
  $ apoctl enforcer preflight --offline -o facts > host.json
  $ apoctl enforcer preflight -n /acme/aws-dev/web --facts host.json --force-check memory
`;

export function addPreflight(enforcer: Command, io: Io): void {
  const command = enforcer
    .command('preflight')
    .description('Check whether an agent can be installed on this host, and say what to do where it cannot')
    .option('--facts <file>', 'judge what was collected elsewhere with -o facts')
    .option('--root <folder>', 'collect from a copy of a host’s files', '/')
    .option('--offline', 'ask no API: what the namespace says is left out, and nothing can be forced')
    .option('--force-check <name>', 'let this check fail; repeatable', options.each, [])
    .option('--enforcer-version <version>', 'version that is to be installed', '')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json', 'facts']).default('table'))
    .addHelpText('after', EXAMPLES)
    .action((said: PreflightOptions, self: Command) => check(io, said, options.flagsOf(self)));
  options.withGlobals(command);
}

async function factsOf(io: Io, said: PreflightOptions, flags: options.Flags): Promise<HostFacts> {
  if (said.facts !== undefined) {
    const text = await readFile(said.facts, 'utf8').catch((error: Error) => {
      throw fail('bad_request', `cannot read ${said.facts}: ${error.message}`);
    });
    return HostFacts.parse(JSON.parse(text));
  }
  const facts = await collect(hostAt(said.root));
  if (said.offline) return facts;
  const { api } = await settle(io, flags);
  return { ...facts, ...(await reach(api, io.fetch, io.now)) };
}

const SIGNS = { pass: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

const lineOf = ({ check: name, result, message, remedy, forced }: PreflightFinding): string => {
  const sign = forced ? 'over' : SIGNS[result];
  const advice = remedy === '' ? '' : `\n${' '.repeat(27)}→ ${printable(remedy)}`;
  return `${sign}  ${name.padEnd(20)} ${printable(message)}${advice}\n`;
};

async function judged(io: Io, facts: HostFacts, said: PreflightOptions, flags: options.Flags) {
  if (said.offline) {
    if (said.forceCheck.length > 0) {
      throw fail('bad_request', 'what is forced is noted by the API; leave out --offline or --force-check');
    }
    return preflight(facts, {
      wantedVersion: said.enforcerVersion,
      enforcerMappings: [],
      isEnforcing: false,
      profileIgnoresDefender: false,
    });
  }
  const { client, namespace, warn } = await sessionOf(io, flags);
  const { body, messages } = await client.call('createPreflight', {
    namespace,
    body: {
      host: hostname(),
      facts,
      forceChecks: said.forceCheck,
      targetVersion: said.enforcerVersion,
    },
  });
  warn(messages);
  return body.findings;
}

async function check(io: Io, said: PreflightOptions, flags: options.Flags): Promise<void> {
  const facts = await factsOf(io, said, flags);
  if (said.output === 'facts') return io.out(`${printableJson(facts, 2)}\n`);
  const findings = await judged(io, facts, said, flags);
  const stops = stopping(findings);
  if (said.output === 'json') io.out(`${printableJson(findings, 2)}\n`);
  else io.out(findings.map(lineOf).join(''));
  if (stops.length > 0) {
    throw fail(
      'conflict',
      `the agent cannot be installed: ${stops.map(finding => finding.check).join(', ')}`,
    );
  }
}

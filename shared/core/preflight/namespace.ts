import { type Check, listed, pass, stop, warn } from './check.ts';

/** Release notes: enforcers are no longer mapped to namespaces; processing units still are. */
const enforcerMappings: Check = (_facts, { enforcerMappings: names }) =>
  names.length === 0
    ? pass('no mapping selects enforcers')
    : stop(
        `${listed(names)} would map enforcers, which no longer happens`,
        'install the agent in the namespace where it belongs, and remove the mappings',
      );

/** What an enforcing namespace must allow first, or its hosts lose their names, addresses, time and administrators. */
const allowedFirst: Check = (_facts, { isEnforcing }) =>
  isEnforcing
    ? warn(
        'the namespace rejects what no rule allows',
        'allow first what hosts need: dns udp/53 tcp/53, dhcp udp/67 udp/68, ntp udp/123, ssh tcp/22',
      )
    : pass('the namespace allows what no rule rejects');

export const namespaceChecks = {
  'enforcer-mappings': enforcerMappings,
  'allowed-first': allowedFirst,
} as const satisfies Record<string, Check>;

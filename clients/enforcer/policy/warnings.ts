import { isWildcardName } from '../../../shared/schema/network-entry.ts';
import type { HostPolicy } from '../data-plane.ts';

/** What could not be done as it was said. */
export function warningsOf({ payloads, layer3Only, profile }: HostPolicy): string[] {
  const wildcards = payloads['policy.json'].externalNetworks.flatMap(({ name, entries }) =>
    entries
      .filter(isWildcardName)
      .map(entry => `external network \`${name}\`: \`${entry}\` holds only names that were asked for here`),
  );
  const ports = layer3Only
    ? payloads['policy.json'].rulesets
        .filter(({ incomingRules, outgoingRules }) =>
          [...incomingRules, ...outgoingRules].some(rule =>
            rule.protocolPorts.some(text => text.includes('/')),
          ),
        )
        .map(({ name }) => `ruleset \`${name}\`: its ports are not looked at, because the host has Istio`)
    : [];
  const networks =
    profile && profile.targetNetworks.length > 0
      ? [
          `profile \`${profile.name}\`: targetNetworks change nothing, because peers are told by their addresses`,
        ]
      : [];
  return [...wildcards, ...ports, ...networks];
}

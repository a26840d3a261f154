import { z } from 'zod';
import type { Range } from './protocol-ports.ts';
import type { RuleIssue } from './resource.ts';

const HIGHEST = 65_535;

/** `80`, or `8000:8999` with the lower port first; undefined when it is neither. */
function portsOf(text: string): Range | undefined {
  const [, first, last = first] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  const isOne = text === first;
  return to <= HIGHEST && (isOne || from < to) ? { from, to } : undefined;
}

/** Ports that a processing unit listens on, by protocol. */
export const NetworkServices = z
  .array(
    z.strictObject({
      protocol: z.int().min(0).max(255).describe('IANA number.'),
      targetPorts: z.array(z.string()).default([]).describe('Ports and ranges, `80` and `8000:8999`.'),
    }),
  )
  .default([]);
type NetworkServices = z.infer<typeof NetworkServices>;

/** Source: the original's `ValidateProcessingUnitServices`: no port of a protocol twice. */
export function networkServicesIssues(services: NetworkServices): RuleIssue[] {
  const earlier: { protocol: number; text: string; ports: Range }[] = [];
  return services.flatMap(({ protocol, targetPorts }, at) =>
    targetPorts.flatMap((text, index): RuleIssue[] => {
      const issue = (message: string): RuleIssue[] => [
        { path: ['networkServices', at, 'targetPorts', index], input: text, message },
      ];
      const ports = portsOf(text);
      if (!ports) return issue(`\`${text}\` is no port; write 80, or 8000:8999 with the lower port first`);
      const other = earlier.find(
        one => one.protocol === protocol && one.ports.from <= ports.to && ports.from <= one.ports.to,
      );
      earlier.push({ protocol, text, ports });
      return other
        ? issue(`\`${text}\` overlaps \`${other.text}\` of the same protocol; give each port once`)
        : [];
    }),
  );
}

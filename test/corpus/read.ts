import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Flow, NetworkEnd, UnitEnd } from '../../shared/core/decision.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import { parseAddress } from '../../shared/schema/cidr.ts';
import { parseProtocolPorts } from '../../shared/schema/protocol-ports.ts';
import { type Entry, make, makeNamespace, pathOf } from '../core/objects.ts';

/** Alternatives; within one, tags joined by ` & `. */
const Clauses = z.array(z.string()).transform(all => all.map(clause => clause.split(' & ')));

const rest = {
  on: z.array(z.string()).default([]),
  observed: z.boolean().default(false),
  name: z.string().default(''),
};
const Rule = z.union([
  z
    .strictObject({ allow: Clauses, ...rest })
    .transform(({ allow, ...more }) => ({ action: 'Allow', object: allow, ...more })),
  z
    .strictObject({ reject: Clauses, ...rest })
    .transform(({ reject, ...more }) => ({ action: 'Reject', object: reject, ...more })),
]);

const placed = { in: z.string(), tags: z.array(z.string()).default([]) };
const flags = { propagate: z.boolean().optional() };

/** `allow web#1`, `reject web#2 via internet`, `reject default /t`. */
const Side = z.string().regex(/^(allow|reject) (default \/\S*|\S+#\d+( via \S+)?)$/);
const BothSides = z.strictObject({ source: Side.optional(), destination: Side.optional() });
const Tags = z.array(z.string());

const Case = z.strictObject({
  note: z.string().min(5),
  /** A unit by name; an address; a DNS name; or `name@address`. */
  from: z.string(),
  to: z.string(),
  /** `tcp/443`, `icmp/8/0`, `esp`. */
  on: z.string(),
  verdict: z.enum(['allow', 'reject']),
  source: Side.optional(),
  destination: Side.optional(),
  observed: BothSides.default({}),
  unlisted: z.strictObject({ source: Tags.optional(), destination: Tags.optional() }).default({}),
});
export type Case = z.infer<typeof Case>;

const Topic = z.strictObject({
  topic: z.string(),
  namespaces: z.record(z.string(), z.record(z.string(), z.unknown())),
  networks: z
    .record(
      z.string(),
      z.strictObject({ ...placed, ...flags, archived: z.boolean().optional(), entries: z.array(z.string()) }),
    )
    .default({}),
  rulesets: z.record(
    z.string(),
    z.strictObject({
      in: z.string(),
      ...flags,
      fallback: z.boolean().optional(),
      disabled: z.boolean().optional(),
      subject: Clauses,
      incoming: z.array(Rule).default([]),
      outgoing: z.array(Rule).default([]),
    }),
  ),
  units: z.record(
    z.string(),
    z.strictObject({ ...placed, address: z.string(), status: z.string().default('Running') }),
  ),
  cases: z.array(Case),
});
type Topic = z.infer<typeof Topic>;

const ruleInput = ({ on, observed, ...rule }: Topic['rulesets'][string]['incoming'][number]) => ({
  ...rule,
  protocolPorts: on,
  observationEnabled: observed,
});

/** IDs follow the order of the file, so that "the lowest ID" is the first. */
function entriesOf(topic: Topic): Entry[] {
  const list = Object.entries;
  return [
    ...list(topic.namespaces).map(
      ([path, input], at): Entry => ({
        identity: 'namespace',
        object: makeNamespace(path, 1 + at, input),
      }),
    ),
    ...list(topic.networks).map(
      ([name, { in: path, tags, ...input }], at): Entry => ({
        identity: 'externalnetwork',
        object: make('externalnetwork', path, 1000 + at, { name, ...input, associatedTags: tags }),
      }),
    ),
    ...list(topic.rulesets).map(
      ([name, { in: path, incoming, outgoing, ...input }], at): Entry => ({
        identity: 'networkrulesetpolicy',
        object: make('networkrulesetpolicy', path, 2000 + at, {
          name,
          ...input,
          incomingRules: incoming.map(ruleInput),
          outgoingRules: outgoing.map(ruleInput),
        }),
      }),
    ),
    ...list(topic.units).map(
      ([name, { in: path, tags, address, status }], at): Entry => ({
        identity: 'processingunit',
        object: make('processingunit', path, 3000 + at, {
          name,
          type: 'Docker',
          associatedTags: tags,
          addresses: [address],
          operationalStatus: status,
        }),
      }),
    ),
  ];
}

const trafficOf = (text: string): Traffic => {
  const set = parseProtocolPorts([text]);
  const entry = set === 'any' ? undefined : set[0];
  if (entry?.kind === 'ports') return { kind: 'ports', protocol: entry.protocol, port: entry.ports.from };
  if (entry?.kind === 'protocol') return { kind: 'protocol', protocol: entry.protocol };
  if (entry?.type === undefined) throw new Error(`\`${text}\` is no single packet; write icmp/8/0`);
  return { kind: 'icmp', protocol: entry.protocol, type: entry.type, code: entry.codes?.[0]?.from ?? 0 };
};

/** The ends that a case names. */
class Ends {
  readonly #units: ReadonlyMap<string, UnitEnd>;

  constructor(entries: readonly Entry[]) {
    this.#units = new Map(
      entries.flatMap(entry =>
        entry.identity === 'processingunit'
          ? [
              [
                entry.object.name,
                {
                  kind: 'processing unit' as const,
                  namespace: pathOf(entry.object.namespace),
                  tags: entry.object.normalizedTags,
                  address: entry.object.addresses[0] ?? '',
                },
              ] as const,
            ]
          : [],
      ),
    );
  }

  flow({ from, to, on }: Case): Flow {
    const [source, destination] = [this.#end(from), this.#end(to)];
    const traffic = trafficOf(on);
    if (source.kind === 'processing unit') return { from: source, to: destination, traffic };
    if (destination.kind === 'processing unit') return { from: source, to: destination, traffic };
    throw new Error(`neither \`${from}\` nor \`${to}\` is a processing unit of the tenant`);
  }

  #end(text: string): UnitEnd | NetworkEnd {
    const unit = this.#units.get(text);
    if (unit) return unit;
    const [name = '', address] = text.split('@');
    if (address !== undefined) return { kind: 'network', name, address };
    return parseAddress(text) ? { kind: 'network', address: text } : { kind: 'network', name: text };
  }
}

export interface CorpusTopic {
  file: string;
  topic: string;
  entries: Entry[];
  cases: (Case & { flow: Flow })[];
}

/** Every topic of the corpus, in order of its file's name. */
export const readCorpus = (): CorpusTopic[] =>
  readdirSync(import.meta.dirname)
    .filter(file => file.endsWith('.yaml'))
    .sort()
    .map(file => {
      const read = Topic.safeParse(parse(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')));
      if (!read.success) throw new Error(`${file}: ${z.prettifyError(read.error)}`);
      const entries = entriesOf(read.data);
      const ends = new Ends(entries);
      const cases = read.data.cases.map(one => ({ ...one, flow: ends.flow(one) }));
      return { file, topic: read.data.topic, entries, cases };
    });

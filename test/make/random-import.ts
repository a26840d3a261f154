import fc from 'fast-check';

/** An object of a file: under which name, and what of it is said. */
interface Said {
  plural: string;
  fields: Record<string, unknown>;
}

const place = fc.constantFrom(undefined, '.', './a', 'a/b', './a/b/c', 'd');
/** Few names, so that files mean the same objects often. */
const name = fc.constantFrom('one', 'two', 'three');
const action = fc.constantFrom('Allow', 'Reject');

const network = fc.record(
  {
    name,
    entries: fc.constantFrom(['10.0.0.0/8'], ['192.0.2.0/24', '!192.0.2.1/32'], ['example.com']),
    description: fc.constantFrom('x', 'y'),
    namespace: place,
    propagate: fc.boolean(),
    servicePorts: fc.constantFrom([], ['tcp/443']),
    protected: fc.constantFrom(...Array<boolean>(19).fill(false), true),
  },
  { requiredKeys: ['name', 'entries'] },
);
const ruleset = fc.record(
  {
    name,
    subject: fc.constantFrom([['app=web']], [['app=db'], ['env=prod']]),
    incomingRules: fc.array(
      fc.record({
        action,
        object: fc.constant([['app=client']]),
        protocolPorts: fc.constantFrom(['tcp/443'], ['any']),
      }),
      { maxLength: 2 },
    ),
    namespace: place,
  },
  { requiredKeys: ['name', 'subject'] },
);
const profile = fc.record(
  { name, description: fc.constantFrom('', 'z'), namespace: place },
  { requiredKeys: ['name'] },
);
const mapping = fc.record(
  {
    name,
    subject: fc.constantFrom([['app=web']], [['$identity=enforcer']]),
    mappedNamespace: fc.constantFrom('b', 'x'),
    namespace: place,
  },
  { requiredKeys: ['name', 'subject', 'mappedNamespace'] },
);
const recipe = fc.record({ name, namespace: place }, { requiredKeys: ['name'] });
const said = fc.oneof(
  network.map((fields): Said => ({ plural: 'externalnetworks', fields })),
  ruleset.map((fields): Said => ({ plural: 'networkrulesetpolicies', fields })),
  profile.map((fields): Said => ({ plural: 'enforcerprofiles', fields })),
  mapping.map((fields): Said => ({ plural: 'nsmap', fields })),
  recipe.map((fields): Said => ({ plural: 'recipes', fields })),
);

const NAMESPACES: Said[] = [
  { plural: 'namespaces', fields: { name: 'b', namespace: 'a', type: 'Group' } },
  { plural: 'namespaces', fields: { name: 'a', type: 'CloudAccount' } },
  { plural: 'namespaces', fields: { name: 'c', namespace: './a/b' } },
  { plural: 'namespaces', fields: { name: 'd' } },
];

/** What makes an import that is refused, each for a reason of its own. */
const wrong: fc.Arbitrary<Said> = fc.constantFrom(
  { plural: 'externalnetworks', fields: { name: 'bad', entries: ['10.0.0.0/33'] } },
  { plural: 'externalnetworks', fields: { name: 'bad', entries: ['10.0.0.0/8'], namespace: '../x' } },
  { plural: 'externalnetworks', fields: { name: 'bad', entries: ['10.0.0.0/8'], namespace: 'nowhere' } },
  { plural: 'networkrulesetpolicies', fields: { name: 'bad', subject: [], namespace: 'a' } },
  { plural: 'namespaces', fields: { name: 'a' } },
  { plural: 'appcredentials', fields: { name: 'bad', roles: [] } },
);

function fileOf(all: readonly Said[], APIVersion: number) {
  const data: Record<string, Record<string, unknown>[]> = {};
  for (const { plural, fields } of all) {
    const { namespace, ...rest } = fields;
    data[plural] = [...(data[plural] ?? []), namespace === undefined ? rest : fields];
  }
  return { APIVersion, identities: Object.keys(data), data };
}

const padding = (count: number): Said[] =>
  Array.from({ length: count }, (_, at) => ({
    plural: 'externalnetworks',
    fields: { name: `p${at}`, entries: ['10.0.0.0/8'], namespace: 'a' },
  }));

/** A file that an import takes; now and then one that it refuses. */
const file = fc
  .record({
    namespaces: fc.shuffledSubarray(NAMESPACES, { minLength: NAMESPACES.length }),
    /** Enough now and then that it comes in several parts. */
    padding: fc.constantFrom(0, 0, 0, 0, 230),
    objects: fc.array(said, { maxLength: 14 }),
    wrong: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: wrong }),
    APIVersion: fc.constantFrom(0, 1),
  })
  .map(all =>
    fileOf(
      [...all.objects, ...padding(all.padding), ...all.namespaces, ...(all.wrong ? [all.wrong] : [])],
      all.APIVersion,
    ),
  );

/** One import: a file and how it is taken. */
export const randomImport = fc.record({
  data: file,
  label: fc.constantFrom('one', 'two'),
  mode: fc.constantFrom('Import' as const, 'Import' as const, 'ReplacePartial' as const, 'Remove' as const),
  deleteMissing: fc.boolean(),
  override: fc.boolean(),
});
export type RandomImport = typeof randomImport extends fc.Arbitrary<infer T> ? T : never;

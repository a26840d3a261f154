/**
 * The import rules of the architecture, each with its reason. test/architecture runs them.
 * Folders: schema ← core ← bundle; schema ← ports ← adapters; functions, local, cdk and clients on top.
 */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^(shared|functions|statemachines|cdk|local|clients|test|bench)/', pathNot: allowed },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment:
        'A circle has no first file to read, and no part of it can be tested alone. Circles of types are none at run time.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only(
      'schema-is-first',
      '^shared/schema/',
      ['^shared/schema/'],
      'What the system is stands on nothing of ours.',
    ),
    only(
      'core-is-pure',
      '^shared/core/',
      ['^shared/(schema|core)/'],
      'Decisions are functions of schema types, so that the API, the compiler and the enforcer share them.',
    ),
    {
      name: 'pure-code-does-no-io',
      comment:
        'core and bundle decide; files, sockets and processes are for adapters. Hashes, keys and compression are no I/O.',
      severity: 'error',
      from: { path: '^shared/(schema|core|bundle)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer|zlib)$' },
    },
    only(
      'bundle-stands-on-core',
      '^shared/bundle/',
      ['^shared/(schema|core|bundle)/'],
      'A bundle can be opened anywhere.',
    ),
    {
      name: 'open-never-seals',
      comment:
        'The verifier must not share the code of the signer: a mistake in it would be accepted by its twin.',
      severity: 'error',
      from: { path: '^shared/bundle/(open|fetch-release)\\.ts$' },
      to: { path: '^shared/bundle/(seal|sign|published|root|layers)\\.ts$', reachable: true },
    },
    only(
      'api-is-a-table',
      '^shared/api/',
      ['^shared/(schema|api)/'],
      'The table of operations is read by CDK and clients.',
    ),
    only(
      'ports-are-interfaces',
      '^shared/ports/',
      ['^shared/(schema|ports)/'],
      'A port knows nothing of who implements it.',
    ),
    only(
      'adapters-implement-ports',
      '^shared/adapters/',
      ['^shared/(schema|core|ports|adapters)/'],
      'Storage speaks the domain and calls nobody back. core is allowed: what is pure is nobody’s.',
    ),
    {
      name: 'local-and-aws-are-apart',
      comment: 'Each adapter family stands alone; what they share is in adapters/table.',
      severity: 'error',
      from: { path: '^shared/adapters/(aws|local|table)/' },
      to: { path: '^shared/adapters/(aws|local|table)/', pathNot: '^shared/adapters/($1|table)/' },
    },
    {
      name: 'aws-sdk-in-one-place',
      comment: 'What runs on AWS is known to the AWS adapters alone.',
      severity: 'error',
      from: { pathNot: '^(shared/adapters/aws|test/aws|test/make/aws|clients/enforcer/s3)' },
      to: { path: 'node_modules/@aws-sdk/' },
    },
    {
      name: 'functions-use-ports',
      comment: 'Handlers see ports; compose.ts alone chooses adapters.',
      severity: 'error',
      from: { path: '^functions/', pathNot: '^functions/compose\\.ts$' },
      to: { path: '^(shared/adapters|cdk|local|clients|test|bench)/' },
    },
    only(
      'cdk-reads-tables',
      '^cdk/',
      ['^cdk/', '^shared/schema/', '^shared/api/(routes|match|cors|documents)\\.ts$', '^statemachines/'],
      'Infrastructure is derived from the tables; function code is named by path only.',
    ),
    only(
      'local-is-composition',
      '^local/',
      [
        '^local/',
        '^functions/',
        '^shared/',
        '^statemachines/',
        '^clients/enforcer/(poll|register|flows/report)\\.ts$',
      ],
      'The one-process build composes what is there; the demo also polls and reports as an enforcer does.',
    ),
    only(
      'clients-are-outside',
      '^clients/',
      [
        '^clients/',
        '^shared/(schema|core)/',
        '^shared/bundle/',
        '^shared/api/(client|agent-client|listen|messages)\\.ts$',
        '^shared/ports/runner-place\\.ts$',
      ],
      'A client sees what any client of the API sees. Where a runner runs is a port that a host and a cloud fill.',
    ),
    {
      name: 'clients-never-seal',
      comment: 'Clients open bundles.',
      severity: 'error',
      from: { path: '^clients/' },
      to: { path: '^shared/bundle/(seal|sign|published|root|layers)\\.ts$' },
    },
    {
      name: 'nobody-imports-tests',
      comment: 'Tests depend on the product, never the other way round.',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'nothing-unresolvable',
      comment: 'A name that resolves to nothing fails on somebody’s machine.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'A package that package.json does not name is there by chance.',
      severity: 'error',
      from: { pathNot: '^(test|bench|cdk)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.asl\\.json$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    extraExtensionsToScan: [],
  },
};

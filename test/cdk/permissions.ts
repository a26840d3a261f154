import { describe, expect, it } from 'vitest';
import { type Allowed, allowed, ofType, type Resources, refersTo } from './synthesized.ts';

/** Actions whose API knows no resource but `*`, each with where AWS says so. */
const WITHOUT_RESOURCE: Readonly<Record<string, string>> = {
  'xray:PutTraceSegments': 'Service authorization reference, X-Ray: no resource types',
  'xray:PutTelemetryRecords': 'Service authorization reference, X-Ray: no resource types',
  'xray:GetSamplingRules': 'Service authorization reference, X-Ray: no resource types',
  'xray:GetSamplingTargets': 'Service authorization reference, X-Ray: no resource types',
  'dynamodb:ListStreams': 'Service authorization reference, DynamoDB: no resource types',
  'ssm:GetCommandInvocation': 'Service authorization reference, Systems Manager: no resource types',
  'logs:CreateLogDelivery': 'Step Functions guide, "Logging": no resource types',
  'logs:GetLogDelivery': 'Step Functions guide, "Logging": no resource types',
  'logs:UpdateLogDelivery': 'Step Functions guide, "Logging": no resource types',
  'logs:DeleteLogDelivery': 'Step Functions guide, "Logging": no resource types',
  'logs:ListLogDeliveries': 'Step Functions guide, "Logging": no resource types',
  'logs:PutResourcePolicy': 'Step Functions guide, "Logging": no resource types',
  'logs:DescribeResourcePolicies': 'Step Functions guide, "Logging": no resource types',
  'logs:DescribeLogGroups': 'Step Functions guide, "Logging": no resource types',
};

const intoFlows = (resource: unknown): boolean => JSON.stringify(resource).includes(':FlowsArn');

const TUF = ['Targets', 'Snapshot', 'Timestamp'];

export function permissionsHold(all: Resources): void {
  const statements = allowed(all);
  const keys = new Map(ofType(all, 'AWS::KMS::Key').map(([id, { Properties }]) => [id, Properties]));
  const granting = (action: string): Allowed[] => statements.filter(({ Action }) => Action.includes(action));
  const keyCalled = (name: string): string =>
    [...keys.keys()].find(id => id.replace(/[0-9A-F]{8}$/, '') === `Keys${name}`) ?? '';
  /** Function names, as in the entry's exports, whose role a statement is attached to. */
  const functionsOf = (given: readonly Allowed[]): string[] => {
    const roles = new Set(given.flatMap(({ roles }) => roles));
    return ofType(all, 'AWS::Lambda::Function')
      .filter(([, { Properties }]) => [...roles].some(role => refersTo(Properties.Role, role)))
      .map(([, { Properties }]) => String(Properties.Handler).replace('index.', ''))
      .sort();
  };
  const ofRoles = (action: string): Allowed[] => granting(action).filter(({ roles }) => roles.length > 0);

  describe('permissions', () => {
    it('are found at all', () => {
      expect(statements.length).toBeGreaterThan(50);
      expect(keys.size).toBe(6);
    });

    it('name every action in full', () => {
      expect(statements.flatMap(({ Action }) => Action).filter(action => action.includes('*'))).toEqual([]);
    });

    it('name a resource unless the API has none', () => {
      const everything = statements.filter(
        ({ where, Resource }) => !keys.has(where) && Resource.includes('*'),
      );
      const actions = new Set(everything.flatMap(({ Action }) => Action));
      expect([...actions].filter(action => WITHOUT_RESOURCE[action] === undefined)).toEqual([]);
    });

    it('hold no permission to delete an object of a bucket or to scan the table', () => {
      expect([...granting('s3:DeleteObject'), ...granting('dynamodb:Scan')]).toEqual([]);
    });

    it('let only the publisher sign with the keys of the TUF roles', () => {
      for (const name of TUF) {
        const signs = ofRoles('kms:Sign').filter(({ Resource }) => refersTo(Resource, keyCalled(name)));
        expect(functionsOf(signs), name).toEqual(['publish', 'resign']);
      }
    });

    it('let only the function that issues tokens sign them', () => {
      const signs = ofRoles('kms:Sign').filter(({ Resource }) => refersTo(Resource, keyCalled('Token')));
      expect(functionsOf(signs)).toEqual(['tokens']);
    });

    it('let nobody sign tokens with the key of the next generation, and whoever verifies tokens know it', () => {
      const next = (action: string) =>
        ofRoles(action).filter(({ Resource }) => refersTo(Resource, keyCalled('Token2')));
      expect(next('kms:Sign')).toEqual([]);
      const now = ofRoles('kms:GetPublicKey').filter(({ Resource }) =>
        refersTo(Resource, keyCalled('Token')),
      );
      expect(functionsOf(next('kms:GetPublicKey'))).toEqual(functionsOf(now));
      expect(functionsOf(now)).toContain('policies');
    });

    it.each([
      ['Token', '/microseg/tokens/', ['tokens']],
      ...TUF.map(name => [name, '/microseg/publisher/', ['publish', 'resign']] as const),
    ] as const)('say in the policy of the %s key that only roles under %s sign', (name, path, signers) => {
      const signing = granting('kms:Sign').filter(({ where }) => where === keyCalled(name));
      expect(signing).toHaveLength(1);
      expect(JSON.stringify(signing[0]?.Condition)).toContain(`:role${path}*`);
      const under = ofType(all, 'AWS::IAM::Role').filter(([, { Properties }]) => Properties.Path === path);
      expect(functionsOf(under.map(([id]) => ({ roles: [id] }) as Allowed))).toEqual(signers);
    });

    it('let only the delivery write to the bucket of the flow records, and no function', () => {
      const writes = ofRoles('s3:PutObject').filter(({ Resource }) => intoFlows(Resource));
      expect(writes).toHaveLength(1);
      expect(functionsOf(writes)).toEqual([]);
      expect(functionsOf(granting('firehose:PutRecordBatch'))).toEqual(['flows']);
    });

    it('let only the publisher write to the bucket of the bundles, below bundles/ and releases/, and imports below their own', () => {
      const writes = ofRoles('s3:PutObject').filter(({ Resource }) => !intoFlows(Resource));
      /** Prefixes that a function may write below. */
      const below = (name: string): string[] =>
        writes
          .filter(statement => functionsOf([statement]).includes(name))
          .flatMap(({ Resource }) => Resource)
          .map(resource => /"\/(\w+)\/\*"\]\]}$/.exec(JSON.stringify(resource))?.[1] ?? 'anything')
          .sort();
      expect(functionsOf(writes)).toEqual(['PlanImport', 'imports', 'publish', 'resign']);
      expect(below('publish')).toEqual(['bundles', 'releases']);
      expect(below('resign')).toEqual(['bundles', 'releases']);
      expect(below('PlanImport')).toEqual(['imports']);
      expect(below('imports')).toEqual(['uploads']);
    });

    it('let only the planning of an import read what was uploaded, and nobody who lets it be uploaded', () => {
      const reads = (prefix: string): string[] =>
        functionsOf(
          ofRoles('s3:GetObject').filter(({ Resource }) =>
            JSON.stringify(Resource).includes(`"/${prefix}/*"`),
          ),
        );
      expect(reads('uploads')).toEqual(['PlanImport']);
      expect(reads('imports')).toEqual(['ApplyImport', 'ValidateImport']);
    });

    it('let whoever starts a workflow ask whether it was started, as it does first, and nobody else', () => {
      for (const [machine] of ofType(all, 'AWS::StepFunctions::StateMachine')) {
        const may = (action: string): string[] =>
          functionsOf(granting(action).filter(({ Resource }) => refersTo(Resource, machine)));
        expect(may('states:DescribeExecution'), machine).toEqual(may('states:StartExecution'));
        expect(may('states:StartExecution').length, machine).toBeGreaterThan(0);
      }
    });

    it('let an enforcer read bundles and do nothing else', () => {
      const [reader] = ofType(all, 'AWS::IAM::Role').filter(([id]) => id.startsWith('ApiBundleReader'));
      const own = statements.filter(
        ({ roles, where }) => roles.includes(reader?.[0] ?? '') && where !== reader?.[0],
      );
      expect(own.flatMap(({ Action }) => Action)).toEqual(['s3:GetObject']);
      expect(JSON.stringify(own[0]?.Resource)).toContain('/bundles/*');
    });

    it('let only the function of the enforcers assume what an enforcer can do', () => {
      expect(functionsOf(ofRoles('sts:AssumeRole').filter(({ Resource }) => Resource.length > 0))).toEqual([
        'enforcers',
      ]);
    });

    it('let the publisher, and what marks for it, write to the to-do list and to no object', () => {
      const listOnly = ofRoles('dynamodb:PutItem').filter(({ Condition }) =>
        JSON.stringify(Condition ?? null).includes('"dynamodb:LeadingKeys":["publication#*"]'),
      );
      expect(functionsOf(listOnly)).toEqual(['objectChanged', 'publish', 'resign']);
      const unbound = ofRoles('dynamodb:PutItem').filter(({ Condition }) => Condition === undefined);
      expect(functionsOf(unbound)).not.toEqual(expect.arrayContaining(['publish']));
      expect(functionsOf(unbound)).not.toEqual(expect.arrayContaining(['objectChanged']));
    });
  });
}

import { describe, expect, it } from 'vitest';
import { allowed, ofProtocol, ofType, type Resources, refersTo } from './synthesized.ts';

/** What API Gateway calls when somebody comes, says something, or is gone. */
const ROUTES = ['$connect', '$default', '$disconnect'];

export function listenersHold(rest: Resources, all: Resources): void {
  const [socket] = ofProtocol(rest, 'WEBSOCKET');
  const ofSocket = (type: string) =>
    ofType(rest, type).filter(([, { Properties }]) => refersTo(Properties.ApiId, socket));
  const named = (name: string): string => {
    const found = ofType(rest, 'AWS::Lambda::Function').find(
      ([, { Properties }]) => Properties.Handler === `index.${name}`,
    );
    return found?.[0] ?? expect.fail(`no function ${name}`);
  };
  const granted = (name: string) => {
    const role = ofType(rest, 'AWS::IAM::Role').find(([id]) =>
      refersTo(rest[named(name)]?.Properties.Role, id),
    );
    return allowed(all).filter(({ roles, where }) => roles.includes(role?.[0] ?? '') && where !== role?.[0]);
  };
  const tellers = ['listener', 'push', 'reviewListeners'];

  describe('listeners', () => {
    it('are let in, heard and seen off by one function, on three routes and no other', () => {
      const made = ofSocket('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
        const integration = ofSocket('AWS::ApiGatewayV2::Integration').find(([id]) =>
          refersTo(Properties.Target, id),
        );
        expect(integration?.[1].Properties).toMatchObject({
          IntegrationType: 'AWS_PROXY',
          TimeoutInMillis: 29_000,
        });
        expect(refersTo(integration?.[1].Properties.IntegrationUri, named('listener'))).toBe(true);
        return Properties.RouteKey;
      });
      expect(made.sort()).toEqual(ROUTES);
    });

    it('may be sent on by API Gateway from this API alone', () => {
      const permissions = ofType(rest, 'AWS::Lambda::Permission').filter(([, { Properties }]) =>
        refersTo(Properties.FunctionName, named('listener')),
      );
      expect(permissions).toHaveLength(ROUTES.length);
      for (const [, { Properties }] of permissions) {
        expect(Properties.Principal).toBe('apigateway.amazonaws.com');
        expect(refersTo(Properties.SourceArn, socket)).toBe(true);
      }
    });

    it('come to a stage that throttles and writes down who came, but not their tokens', () => {
      const [[, stage] = []] = ofSocket('AWS::ApiGatewayV2::Stage');
      expect(stage?.Properties).toMatchObject({
        StageName: 'events',
        AutoDeploy: true,
        DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
        AccessLogSettings: { Format: expect.stringContaining('$context.connectionId') },
      });
      const said = JSON.stringify(stage);
      expect(said).not.toMatch(/querystring|DataTraceEnabled":true|LoggingLevel/i);
    });

    it('come to a stage that waits for the role which writes its log, and leaves it to the account', () => {
      const [[account, { Properties, DeletionPolicy }] = expect.fail('no account')] = ofType(
        rest,
        'AWS::ApiGateway::Account',
      );
      const [role, { Properties: of, DeletionPolicy: kept }] =
        ofType(rest, 'AWS::IAM::Role').find(([id]) => refersTo(Properties.CloudWatchRoleArn, id)) ??
        expect.fail('no role');
      expect([DeletionPolicy, kept]).toEqual(['Retain', 'Retain']);
      expect(JSON.stringify(of.AssumeRolePolicyDocument)).toContain('apigateway.amazonaws.com');
      expect(allowed(all).filter(({ roles, where }) => roles.includes(role) && where !== role)).toEqual([]);
      const [[, stage] = []] = ofSocket('AWS::ApiGatewayV2::Stage');
      expect(stage?.DependsOn).toContain(account);
    });

    it('are written to and hung up on by the functions that have to, on this stage', () => {
      const managing = allowed(all).filter(({ Action }) =>
        Action.some(each => each.startsWith('execute-api:')),
      );
      expect(managing.every(({ Resource }) => refersTo(Resource, socket))).toBe(true);
      expect(JSON.stringify(managing.map(({ Resource }) => Resource))).not.toMatch(/"\/\*/);
      for (const name of tellers) {
        const own = granted(name).filter(({ Action }) => Action.includes('execute-api:ManageConnections'));
        expect(own, name).toHaveLength(1);
        expect(JSON.stringify(own[0]?.Resource), name).toContain('/events/*/@connections/*');
      }
      expect(managing).toHaveLength(tellers.length);
    });

    it.each(tellers)('cost the table no object: %s writes connections only', name => {
      const writes = granted(name).filter(({ Action }) => Action.includes('dynamodb:PutItem'));
      expect(writes.map(({ Condition }) => Condition)).toEqual([
        { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['connection#*'] } },
      ]);
    });

    it('are told what waits in a queue, in order, for an hour, and three times at most', () => {
      const [id, queue] =
        ofType(rest, 'AWS::SQS::Queue').find(([id]) => id.startsWith('ListenersQueue')) ?? [];
      expect(queue?.Properties).toMatchObject({
        FifoQueue: true,
        DeduplicationScope: 'messageGroup',
        FifoThroughputLimit: 'perMessageGroupId',
        MaximumMessageSize: 1024 * 1024,
        MessageRetentionPeriod: 3600,
        VisibilityTimeout: 360,
        RedrivePolicy: { maxReceiveCount: 3 },
      });
      const [[, mapping] = []] = ofType(rest, 'AWS::Lambda::EventSourceMapping').filter(
        ([, { Properties }]) => refersTo(Properties.EventSourceArn, id ?? ''),
      );
      expect(refersTo(mapping?.Properties.FunctionName, named('push'))).toBe(true);
      const sends = allowed(all).filter(({ Action }) => Action.includes('sqs:SendMessage'));
      const senders = sends.filter(({ Resource }) => refersTo(Resource, id ?? ''));
      expect(senders.map(({ where }) => where)).toEqual([expect.stringContaining('objectChanged')]);
    });
  });
}

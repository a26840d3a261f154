import { describe, expect, it } from 'vitest';
import { type Allowed, allowed, ofType, type Resources, refersTo } from './synthesized.ts';

/** Upgrades of enforcers: who may start their state machine and end its tasks, and what it may do itself. */
export function upgradesHold(rest: Resources, all: Resources): void {
  const machine =
    ofType(rest, 'AWS::StepFunctions::StateMachine').find(([, { Properties }]) =>
      JSON.stringify(Properties.DefinitionString).includes('Uninstalls the agents'),
    )?.[0] ?? '';
  const statements = allowed(all);
  const granting = (action: string): Allowed[] =>
    statements.filter(({ Action, Resource }) => Action.includes(action) && refersTo(Resource, machine));
  const holders = (action: string): string[] => {
    const roles = new Set(granting(action).flatMap(each => each.roles));
    return ofType(all, 'AWS::Lambda::Function')
      .filter(([, { Properties }]) => [...roles].some(role => refersTo(Properties.Role, role)))
      .map(([, { Properties }]) => String(Properties.Handler).replace('index.', ''))
      .sort();
  };

  describe('upgrades of enforcers', () => {
    it('are started by what hears of new objects, and by no other function', () => {
      expect(holders('states:StartExecution')).toEqual(['objectChanged']);
    });

    it('have their tasks ended by the API that runners and people speak to, and by what hears of pokes', () => {
      expect(holders('states:SendTaskSuccess')).toEqual(['enforcers', 'objectChanged', 'upgrades']);
      expect(holders('states:SendTaskFailure')).toEqual(['enforcers', 'objectChanged', 'upgrades']);
    });

    it('spread over executions of their own machine, and of none else', () => {
      const role = Object(rest[machine]?.Properties.RoleArn);
      const own = statements.filter(({ roles }) => roles.some(each => refersTo(role, each)));
      const states = own.filter(({ Action }) => Action.some(each => each.startsWith('states:')));
      expect(states.flatMap(({ Action }) => Action).sort()).toEqual([
        'states:DescribeExecution',
        'states:StartExecution',
        'states:StopExecution',
      ]);
      expect(states.every(({ Resource }) => refersTo(Resource, machine))).toBe(true);
      expect(JSON.stringify(states.map(({ Resource }) => Resource))).not.toContain('"*"');
    });

    it('learn every minute which hosts were not heard of any more', () => {
      const [, rule] = ofType(rest, 'AWS::Events::Rule').find(([id]) => id.includes('LostEnforcers')) ?? [];
      expect(rule?.Properties).toMatchObject({ ScheduleExpression: 'rate(1 minute)', State: 'ENABLED' });
    });

    it('start runners by SSM from one task, by one document, and only on instances of this account with the tag', () => {
      const names = (action: string) => {
        const roles = new Set(
          statements.filter(one => one.Action.includes(action)).flatMap(one => one.roles),
        );
        return ofType(all, 'AWS::Lambda::Function')
          .filter(([, { Properties }]) => [...roles].some(role => refersTo(Properties.Role, role)))
          .map(([, { Properties }]) => String(Properties.Handler).replace('index.', ''));
      };
      expect(names('ssm:SendCommand')).toEqual(['CallRunners']);
      expect(names('ssm:GetCommandInvocation')).toEqual(['CallRunners']);
      const sending = statements.filter(({ Action }) => Action.includes('ssm:SendCommand'));
      const of = (what: string) => sending.filter(({ Resource }) => JSON.stringify(Resource).includes(what));
      expect(sending).toHaveLength(2);
      expect(JSON.stringify(of(':ssm:*::document/')[0]?.Resource)).toContain('document/AWS-RunShellScript"');
      const [instances] = of(':ec2:*:');
      expect(JSON.stringify(instances?.Resource)).toContain('{"Ref":"AWS::AccountId"},":instance/*"');
      expect(instances?.Condition).toEqual({ StringEquals: { 'ssm:resourceTag/microseg': 'enforcer' } });
    });

    it('tell the bus by one task only', () => {
      const putting = statements.filter(({ Action }) => Action.includes('events:PutEvents'));
      const names = ofType(all, 'AWS::Lambda::Function')
        .filter(([, { Properties }]) =>
          putting.some(({ roles }) => roles.some(role => refersTo(Properties.Role, role))),
        )
        .map(([, { Properties }]) => String(Properties.Handler).replace('index.', ''));
      expect(names.filter(name => name.includes('Upgrade'))).toEqual(['PublishUpgrade']);
    });
  });
}

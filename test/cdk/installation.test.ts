import { rmSync } from 'node:fs';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { installation } from '../../cdk/installation.ts';
import { listenersHold } from './listeners.ts';
import { permissionsHold } from './permissions.ts';
import { structureHolds } from './structure.ts';
import { appWith, ofType, synthesize } from './synthesized.ts';
import { upgradesHold } from './upgrades.ts';

// Making the app takes longer than asking it, so it is made once for all claims.
const { app, data, rest, all } = synthesize();

structureHolds(data, rest);
permissionsHold(all);
listenersHold(rest, all);
upgradesHold(rest, all);

describe('installation', () => {
  it.each(
    [new AwsSolutionsChecks(app), new ServerlessChecks(app)].map(checks => [checks.name, checks] as const),
  )('has no finding of %s that is not acknowledged with a reason', (_name, checks) => {
    const { violations } = checks.validateScope(app);
    expect(violations.map(v => [v.ruleName, v.violatingResources.map(r => r.constructPath)])).toEqual([]);
  });

  it('brings a user pool where nobody signs up alone or without a second factor, and none where it is not wanted', () => {
    const [[, { Properties: pool } = { Properties: {} }] = []] = ofType(data, 'AWS::Cognito::UserPool');
    expect(pool).toMatchObject({
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      MfaConfiguration: 'ON',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      DeletionProtection: 'ACTIVE',
    });
    const [[, { Properties: client } = { Properties: {} }] = []] = ofType(
      data,
      'AWS::Cognito::UserPoolClient',
    );
    expect(client).toMatchObject({
      ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      GenerateSecret: false,
      PreventUserExistenceErrors: 'ENABLED',
    });
    const { app: without, outdir } = appWith({ userPool: 'false' });
    expect(installation(without).data.users).toBeUndefined();
    rmSync(outdir, { recursive: true });
  });

  it('keeps every key of tokens that there was, and has those around the one that signs verify', () => {
    const { app, outdir } = appWith({ tokenKey: 4 });
    const { keys } = installation(app).data;
    rmSync(outdir, { recursive: true });
    const names = keys.tokens.map(({ node }) => node.id);
    expect([keys.token.node.id, names]).toEqual(['Token4', ['Token3', 'Token4', 'Token5']]);
    expect(keys.node.children.map(({ node }) => node.id)).toContain('Token');
  });

  it.each([
    ['name', 'Upper Case', 'name'],
    ['logLevel', 'LOUD', 'logLevel'],
    ['requestsPerSecond', '0', 'requestsPerSecond'],
    ['tokenKey', '0', 'tokenKey'],
  ])('refuses the setting %s = %s by its name', (key, value, named) => {
    const { app, outdir } = appWith({ [key]: value });
    rmSync(outdir, { recursive: true });
    expect(() => installation(app)).toThrow(`context \`${named}\` is \`${value}\``);
  });
});

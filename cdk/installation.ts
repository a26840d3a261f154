import type { App } from 'aws-cdk-lib';
import { AppStack } from './app-stack.ts';
import { DataStack } from './data.ts';
import { settingsOf } from './settings.ts';

/** The two stacks of one installation: what must be kept, and what can be made again. */
export function installation(app: App): { data: DataStack; app: AppStack } {
  const settings = settingsOf(app);
  const data = new DataStack(app, `${settings.name}-data`, {
    description: 'microseg: table, bundles and signing keys',
    terminationProtection: true,
    installation: settings.name,
    tokenKey: settings.tokenKey,
    userPool: settings.userPool,
  });
  return {
    data,
    app: new AppStack(app, `${settings.name}-app`, {
      description: 'microseg: API, workflows, events and alarms',
      settings,
      data,
    }),
  };
}

import { CfnOutput, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { administered } from './keys.ts';

/** Where alarms are told; operators subscribe. With a key of its own, since CloudWatch cannot use the one of SNS. */
export function alarmTopic(scope: Construct): ITopic {
  const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com');
  const key = new Key(scope, 'TopicKey', {
    description: 'Encrypts alarms',
    enableKeyRotation: true,
    policy: new PolicyDocument({
      statements: [
        administered(),
        new PolicyStatement({
          sid: 'AlarmsEncrypt',
          principals: [cloudWatch],
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: ['*'],
        }),
      ],
    }),
  });
  const topic = new Topic(scope, 'Topic', {
    displayName: 'microseg alarms',
    // The class writes `undefined` where the interface only allows absence.
    masterKey: key as IKey,
    enforceSSL: true,
  });
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [cloudWatch],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  new CfnOutput(scope, 'AlarmTopic', { value: topic.topicArn, description: 'Subscribe to it to be told' });
  return topic;
}

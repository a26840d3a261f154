import { ArnFormat, type CfnElement, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { acknowledge } from './acknowledge.ts';

/** Lets a function start a workflow, and ask first whether an execution of that name is there: none is started twice. */
export function letStart(fn: LambdaFunction, machine: StateMachine): void {
  machine.grantStartExecution(fn);
  const stack = Stack.of(machine);
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['states:DescribeExecution'],
      resources: [
        stack.formatArn({
          service: 'states',
          resource: 'execution',
          resourceName: `${machine.stateMachineName}:*`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    }),
  );
  const logicalId = stack.getLogicalId(machine.node.defaultChild as CfnElement);
  acknowledge(fn.role ?? fn, {
    [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId}.Name>:*]`]:
      'Executions have the names of the objects that they work on.',
  });
}

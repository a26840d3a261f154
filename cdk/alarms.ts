import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Construct } from 'constructs';
import { alarmTopic } from './alarm-topic.ts';
import { dashboard } from './dashboard.ts';
import { type Measured, measures, period } from './measures.ts';

/** CloudWatch takes this many metrics in one alarm. */
const METRICS_PER_ALARM = 10;

function chunks<T>(items: readonly T[], size: number): T[][] {
  const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, index) => index * size);
  return starts.map(start => items.slice(start, start + size));
}

/** Adds up one metric of several things, so that a question is one alarm and not one a function. */
function total(label: string, metrics: readonly IMetric[]): MathExpression {
  const named = metrics.map((metric, index) => [`m${index}`, metric] as const);
  return new MathExpression({
    label,
    period,
    expression: `SUM([${named.map(([name]) => name).join(', ')}])`,
    usingMetrics: Object.fromEntries(named),
  });
}

/** What wakes an operator, and one page that shows why. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: Measured) {
    super(scope, id);
    const page = new SnsAction(alarmTopic(this));
    const measured = measures(props);
    for (const { name, threshold, means, metrics } of measured) {
      chunks(metrics, METRICS_PER_ALARM).forEach((chunk, index) => {
        const alarm = new Alarm(this, index === 0 ? name : `${name}${index + 1}`, {
          alarmDescription: means,
          metric: total(name, chunk),
          threshold,
          evaluationPeriods: 1,
          comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          treatMissingData: TreatMissingData.NOT_BREACHING,
        });
        alarm.addAlarmAction(page);
      });
    }
    dashboard(this, measured, props.api);
  }
}

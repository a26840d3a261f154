import { Duration, Stack } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, PeriodOverride, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Api } from './api.ts';
import type { Measure } from './measures.ts';

/** One page: traffic first, then each measure with the line at which it raises an alarm. */
export function dashboard(scope: Construct, measures: readonly Measure[], { front }: Api): Dashboard {
  const latency = [Stats.p(50), Stats.p(99)].map(statistic =>
    front.metricLatency({ statistic, label: statistic }),
  );
  const graphs = measures.map(
    ({ name, metrics, threshold }) =>
      new GraphWidget({
        title: name,
        left: metrics,
        leftAnnotations: [{ value: threshold, label: 'alarm' }],
        leftYAxis: { min: 0 },
        width: 8,
      }),
  );
  return new Dashboard(scope, 'Dashboard', {
    dashboardName: Stack.of(scope).stackName,
    defaultInterval: Duration.hours(12),
    periodOverride: PeriodOverride.INHERIT,
    widgets: [
      [
        new GraphWidget({ title: 'Requests', left: [front.metricCount()], leftYAxis: { min: 0 }, width: 12 }),
        new GraphWidget({ title: 'Latency, ms', left: latency, leftYAxis: { min: 0 }, width: 12 }),
      ],
      graphs,
    ],
  });
}

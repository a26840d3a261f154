import { Duration } from 'aws-cdk-lib';
import { type EventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { consumed } from '../shared/schema/event.ts';
import { identities } from '../shared/schema/resources.ts';
import { acknowledge } from './acknowledge.ts';
import { grantPublish } from './bundles.ts';
import { deadLetters } from './dead-letters.ts';
import { type ConfigKind, functionRole, handler, synchronous } from './function.ts';
import { grantPublicKey, grantSign, rolePath } from './keys.ts';
import type { Listeners } from './listeners.ts';
import type { Parts } from './parts.ts';
import { letStart } from './starting.ts';
import { objectsOf, publications, readStream } from './stream.ts';
import { grantRead, grantWrite, grantWritePublications } from './table-access.ts';

interface EventsProps extends Parts {
  bus: EventBus;
  onboard: StateMachine;
  deleteNamespace: StateMachine;
  importObjects: StateMachine;
  moveUnits: StateMachine;
  upgradeEnforcers: StateMachine;
  listeners: Listeners;
}

interface Pattern {
  source: readonly string[];
  'detail-type': readonly string[];
  detail?: Record<string, readonly string[]>;
}

interface Making {
  config: ConfigKind;
  timeout: Duration;
  memory?: number;
  role?: Role;
}

const patterns: Readonly<Record<string, Pattern>> = consumed;

/** Functions that events, the table's stream, the clock or an operator call. */
export class Events extends Construct {
  readonly functions: LambdaFunction[] = [];
  readonly queues: Queue[] = [];
  readonly objectChanged: LambdaFunction;
  readonly publish: LambdaFunction;
  readonly bootstrap: LambdaFunction;

  constructor(scope: Construct, id: string, props: EventsProps) {
    super(scope, id);
    this.#cloudAccountOnboarded(props);
    this.objectChanged = this.#objectChanged(props);
    this.publish = this.#publish(props);
    this.#resign(props);
    this.#lostEnforcers(props);
    this.#expiredAuthorizations(props);
    this.#oldImports(props);
    this.#stuckDeletions(props);
    this.bootstrap = this.#bootstrap(props);
  }

  #cloudAccountOnboarded(props: EventsProps): void {
    const fn = this.#function('cloudAccountOnboarded', props, {
      config: 'onboard',
      timeout: Duration.seconds(30),
    });
    letStart(fn, props.onboard);
    const target = this.#asynchronous(fn, 'cloudAccountOnboarded');
    for (const [name, pattern] of Object.entries(patterns)) {
      // Events of AWS services arrive on the account's default bus and cannot be sent elsewhere.
      const ours = pattern.source.every(source => !source.startsWith('aws.'));
      new Rule(this, `${name}Rule`, {
        description: `${name} starts an onboarding`,
        eventPattern: {
          source: [...pattern.source],
          detailType: [...pattern['detail-type']],
          ...(pattern.detail === undefined ? {} : { detail: pattern.detail }),
        },
        ...(ours ? { eventBus: props.bus } : {}),
        targets: [target],
      });
    }
  }

  /** One reader for all that follows from an object's change: a shard serves two readers, and publish is the other. */
  #objectChanged(props: EventsProps): LambdaFunction {
    const fn = this.#function('objectChanged', props, { config: 'changes', timeout: Duration.seconds(60) });
    grantRead(fn, props.data.table);
    grantWritePublications(fn, props.data.table);
    letStart(fn, props.onboard);
    letStart(fn, props.deleteNamespace);
    letStart(fn, props.importObjects);
    letStart(fn, props.moveUnits);
    letStart(fn, props.upgradeEnforcers);
    props.upgradeEnforcers.grantTaskResponse(fn);
    props.listeners.queue.grantSendMessages(fn);
    readStream(fn, props.data.table, {
      filter: objectsOf([...identities, 'enforcerupgrade', 'import']),
      failures: this.#deadLetters('objectChanged'),
      gather: Duration.seconds(0),
    });
    return fn;
  }

  #publish(props: EventsProps): LambdaFunction {
    const fn = this.#publisher('publish', props, Duration.minutes(5));
    readStream(fn, props.data.table, {
      filter: publications,
      failures: this.#deadLetters('publish'),
      gather: Duration.seconds(1),
    });
    return fn;
  }

  #resign(props: EventsProps): void {
    // Walks every namespace that has a bundle, so it may take as long as Lambda allows.
    const fn = this.#publisher('resign', props, Duration.minutes(15));
    new Rule(this, 'ResignRule', {
      description: 'Signs metadata of bundles again well before it expires',
      schedule: Schedule.rate(Duration.hours(1)),
      targets: [this.#asynchronous(fn, 'resign')],
    });
  }

  #lostEnforcers(props: EventsProps): void {
    this.#sweep('lostEnforcers', props, {
      description: 'Marks enforcers that were not heard of for five minutes as unreachable',
      every: Duration.minutes(1),
    });
  }

  #expiredAuthorizations(props: EventsProps): void {
    this.#sweep('expiredAuthorizations', props, {
      description: 'Removes API authorizations that have expired',
      every: Duration.hours(1),
    });
  }

  #oldImports(props: EventsProps): void {
    const fn = this.#sweep('oldImports', props, {
      description:
        'Ends imports whose workflow is over, and removes the records of those that ended long ago',
      every: Duration.hours(1),
      config: 'importSweep',
    });
    letStart(fn, props.importObjects);
  }

  #stuckDeletions(props: EventsProps): void {
    const fn = this.#sweep('stuckDeletions', props, {
      description: 'Begins anew the removal of namespaces whose workflow failed',
      every: Duration.hours(1),
      config: 'deletionSweep',
    });
    letStart(fn, props.deleteNamespace);
  }

  /** Looks through the table for what a moment in time has changed. */
  #sweep(
    name: string,
    props: EventsProps,
    { description, every, config = 'sweep' }: { description: string; every: Duration; config?: ConfigKind },
  ): LambdaFunction {
    const fn = this.#function(name, props, { config, timeout: Duration.minutes(5) });
    grantRead(fn, props.data.table);
    grantWrite(fn, props.data.table);
    new Rule(this, `${name[0]?.toUpperCase()}${name.slice(1)}Rule`, {
      description,
      schedule: Schedule.rate(every),
      targets: [this.#asynchronous(fn, name)],
    });
    return fn;
  }

  #bootstrap(props: EventsProps): LambdaFunction {
    const fn = this.#function('bootstrap', props, { config: 'bootstrap', timeout: Duration.seconds(30) });
    grantRead(fn, props.data.table);
    grantWrite(fn, props.data.table);
    synchronous(fn, 'An operator with IAM rights calls it');
    return fn;
  }

  /** The only functions whose roles may write bundles and use the keys of the TUF roles. */
  #publisher(name: 'publish' | 'resign', props: EventsProps, timeout: Duration): LambdaFunction {
    const { data, settings } = props;
    const { targets, snapshot, timestamp } = data.keys;
    const role = functionRole(
      this,
      name,
      `${settings.name} publisher: ${name}`,
      rolePath(settings.name, 'publisher'),
    );
    grantRead(role, data.table);
    grantWritePublications(role, data.table);
    grantPublish(role, data.bundles);
    grantPublicKey(role, targets, snapshot, timestamp);
    grantSign(role, targets, snapshot, timestamp);
    // Compiling takes a processor of its own: 1,769 MB is where Lambda gives one.
    return this.#function(name, props, {
      config: 'publish',
      timeout,
      memory: 1769,
      role,
    });
  }

  #function(name: string, { bundles, values, settings }: EventsProps, making: Making): LambdaFunction {
    const fn = handler(this, name, {
      bundles,
      values,
      entry: 'events',
      handler: name,
      description: `${settings.name} event: ${name}`,
      ...making,
    });
    this.functions.push(fn);
    return fn;
  }

  /** What EventBridge cannot deliver and what the function fails on end in one queue. */
  #asynchronous(fn: LambdaFunction, name: string): LambdaTarget {
    const failures = this.#deadLetters(name);
    fn.configureAsyncInvoke({
      onFailure: new SqsDestination(failures),
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
    });
    acknowledge(fn, {
      'Serverless-LambdaDLQ':
        'Failed events go to its failure destination, which holds the error beside the event.',
    });
    return new LambdaTarget(fn, {
      deadLetterQueue: failures,
      retryAttempts: 185,
      maxEventAge: Duration.hours(24),
    });
  }

  #deadLetters(name: string): Queue {
    const queue = deadLetters(this, name);
    this.queues.push(queue);
    return queue;
  }
}

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { z } from 'zod';
import type { HttpFunction } from '../../functions/http.ts';
import { jsonLog } from '../../local/log.ts';
import { createFront } from '../../local/server.ts';
import { openBucket } from '../../shared/adapters/aws/bucket.ts';
import { openSigner } from '../../shared/adapters/aws/signer.ts';
import { systemClock } from '../../shared/adapters/local/clock.ts';
import { makeRoot } from '../../shared/bundle/root.ts';
import { deploy, handlerOf } from '../aws/lane/deploy.ts';
import { faults } from '../aws/lane/faults.ts';
import { type Lambda, startFront } from '../aws/lane/front.ts';
import { startGateway } from '../aws/lane/gateway.ts';
import { ACCOUNT, freePort, startMoto } from '../aws/lane/moto.ts';
import { virtualEnvironment } from '../aws/lane/python.ts';
import type { Wire } from '../aws/lane/request.ts';
import { type Source, startQueue, startRules, startStreams } from '../aws/lane/sources.ts';
import { resourcesOf, synthesize } from '../aws/lane/template.ts';
import { makeSigner } from './keys.ts';

/**
 * `npm run test:aws`: the contract suites of the AWS adapters and the main job, over the wire, against the resources of
 * the synthesized stacks. The endpoint is AWS_ENDPOINT_URL, or a moto server that this starts. The functions run in
 * this process from their sources; whatever they ask for goes to the endpoint.
 */
const given = process.env.AWS_ENDPOINT_URL;
/** What the endpoint that we started has to say when something fails. */
let diagnose = (): string => '';
/** Services that a given endpoint lacks, `dynamodb,lambda`: their resources and suites are left out, and named. */
const missing = (process.env.LANE_WITHOUT ?? '').split(',').filter(name => name !== '');
const stops: (() => Promise<void>)[] = [];
const say = (text: string): void => console.log(`aws lane: ${text}`);

async function run(): Promise<number> {
  const frontPort = await freePort();
  let target = given;
  if (target === undefined) {
    const programs = virtualEnvironment();
    if (typeof programs !== 'string') {
      console.log(`aws lane: skipped: ${programs.missing}; or set AWS_ENDPOINT_URL`);
      return 0;
    }
    const moto = await startMoto(programs, frontPort);
    stops.push(moto.stop);
    diagnose = moto.log;
    say(`moto ${moto.version} at ${moto.endpoint}`);
    target = moto.endpoint;
  }
  const endpoint = new URL(target);

  const lambdas = new Map<string, Lambda>();
  const front = await startFront(frontPort, endpoint, name => lambdas.get(name), {
    oneAtATime: given === undefined,
  });
  stops.push(front.stop);
  const environment = {
    AWS_REGION: process.env.AWS_REGION ?? 'us-east-1',
    AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID ?? 'test',
    AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? 'test',
    AWS_ENDPOINT_URL: front.url,
    LANE_ENDPOINT: given === undefined ? 'moto' : 'given',
    LANE_WITHOUT: missing.join(','),
  };
  const wire = {
    endpoint: front.url,
    region: environment.AWS_REGION,
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
  };

  const stacks = synthesize(`lane-${randomBytes(4).toString('hex')}`);
  const deployment = await deploy(wire, stacks, process.env.AWS_ACCOUNT_ID ?? ACCOUNT, missing);
  const made = stacks.map(({ name }) => name).join(' and ');
  say(`${made} made by its CloudFormation; left out: ${listed(deployment.leftOut)}`);

  const apiPort = await freePort();
  const gateway = await startGateway(await freePort());
  stops.push(gateway.stop);
  const bootstrap = deployment.functions.find(({ handler }) => handler === 'bootstrap');
  Object.assign(process.env, environment, deployment.environment, {
    API_URL: `http://127.0.0.1:${apiPort}`,
    EVENTS_URL: gateway.url,
    LANE_BOOTSTRAP: bootstrap?.name ?? '',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'ERROR',
  });

  // Only now: what they import reads the environment.
  const groups: Record<string, HttpFunction> = { ...(await import('../../functions/lambda/api.ts')) };
  const others = {
    ...(await import('../../functions/lambda/tasks.ts')),
    ...(await import('../../functions/lambda/events.ts')),
    ...(await import('../../functions/lambda/documents.ts')),
    ...(await import('../../functions/lambda/listeners.ts')),
  };
  const exported = new Map<string, Lambda>(Object.entries({ ...groups, ...others }) as [string, Lambda][]);
  const run = (handler: string): Lambda => {
    const lambda = exported.get(handler);
    if (lambda) return lambda;
    throw new Error(`the template names a function ${handler} that functions/lambda/ does not export`);
  };
  const faulty = faults();
  lambdas.set('lane-faults', faulty.say);
  const tasks = await import('../../functions/lambda/tasks.ts');
  for (const { name, arn, handler } of deployment.functions) {
    const lambda = handler in tasks ? faulty.around(handler, run(handler)) : run(handler);
    for (const called of [name, arn]) lambdas.set(called, lambda);
  }

  keepTokens(lambdas);

  const api = createFront(groups, [], { clock: systemClock, log: jsonLog('WARN') });
  api.listen(apiPort, '127.0.0.1');
  stops.push(async () => {
    api.closeAllConnections();
    api.close();
  });

  const handlers = new Map(
    resourcesOf(stacks, 'AWS::Lambda::Function').map(([id, each]) => [id, handlerOf(each)]),
  );
  const find = (id: string): Lambda => run(handlers.get(id) ?? id);
  await makeRootOfTrust(wire, deployment.environment);
  const { TABLE_NAME = '', BUS_NAME = '', PUSH_QUEUE_URL = '' } = deployment.environment;
  // Only an endpoint that we started calls functions in this process from everywhere; see installation.ts.
  const sources: Source[] =
    given === undefined
      ? [
          ...(await startRules(wire, stacks, BUS_NAME, find)),
          ...startStreams(wire, stacks, TABLE_NAME, find),
          ...startQueue(wire, stacks, PUSH_QUEUE_URL, find),
        ]
      : [];
  stops.push(async () => void (await Promise.all(sources.map(source => source.stop()))));

  const vitest = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--project', 'aws', ...process.argv.slice(2)],
    { stdio: 'inherit', env: process.env },
  );
  const [code] = await once(vitest, 'exit');
  return typeof code === 'number' ? code : 1;
}

/** What the holders of the offline keys do once: without it nothing is published. */
async function makeRootOfTrust(wire: Wire, names: Record<string, string>): Promise<void> {
  const connection = { endpoint: wire.endpoint, region: wire.region, credentials: wire };
  const key = (name: string) => openSigner({ ...connection, keyId: names[name] ?? '' }).publicKey();
  const root = await makeRoot({
    rootKeys: [makeSigner()],
    threshold: 1,
    online: {
      targets: await key('TARGETS_KEY_ID'),
      snapshot: await key('SNAPSHOT_KEY_ID'),
      timestamp: await key('TIMESTAMP_KEY_ID'),
    },
    version: 1,
    expires: new Date(Date.now() + 24 * 3600 * 1000),
  });
  const bucket = openBucket({ ...connection, bucket: names.BUNDLES_BUCKET ?? '' });
  await bucket.put('root/1.root.json', root, { contentType: 'application/json' });
}

/** Two functions of the lane's own, for the contract of workflows: one is given task tokens, one gives them back. */
function keepTokens(lambdas: Map<string, Lambda>): void {
  const Given = z.object({ token: z.string(), execution: z.string() });
  const tokens = new Map<string, string>();
  lambdas.set('lane-ask', event => {
    const { token, execution } = Given.parse(event);
    tokens.set(execution, token);
  });
  lambdas.set('lane-asked', execution => tokens.get(String(execution)));
}

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([type, count]) => `${count} ${type}`)
    .sort()
    .join(', ');

try {
  process.exitCode = await run();
} catch (error) {
  console.error(error);
  console.error(diagnose().split('\n').slice(-60).join('\n'));
  process.exitCode = 1;
} finally {
  for (const stop of stops.reverse()) await stop();
}

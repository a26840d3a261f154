import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { jsonLog } from '../../local/log.ts';
import type { Stage } from '../../local/play.ts';
import { createClient, credentialToken } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { mainJob } from './main-job.ts';

describe('the main job in one process', () => {
  let data: string;
  let plane: ControlPlane;
  let stage: Stage;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'microseg-'));
    plane = await startControlPlane({ data, host: '127.0.0.1', port: 0, log: jsonLog('ERROR') });
    const credential = Credential.parse(JSON.parse(await readFile(plane.administrator, 'utf8')));
    stage = {
      client: createClient({
        api: plane.url,
        token: credentialToken(credential, { now: Date.now, randomBytes }),
      }),
      // Every event twice: the bus delivers at least once.
      publish: async event => {
        await plane.bus.publish(event);
        await plane.bus.publish(event);
      },
      root: await readFile(plane.root),
      now: () => new Date(),
      say: () => {},
    };
  });

  afterAll(async () => {
    await plane.stop();
    await rm(data, { recursive: true });
  });

  mainJob(
    () => stage,
    () => plane.settled(),
  );
});

import { z } from 'zod';
import type { Connection } from '../../../shared/adapters/aws/client.ts';
import { Config } from '../../../shared/schema/config.ts';
import type { Wire } from './request.ts';

/** What `npm run test:aws` tells the tests through the environment: where the synthesized stacks stand. */
const Environment = Config.extend({
  AWS_ENDPOINT_URL: z.url(),
  AWS_REGION: z.string(),
  AWS_ACCESS_KEY_ID: z.string(),
  AWS_SECRET_ACCESS_KEY: z.string(),
  /** Name of the function that makes the first credential. */
  LANE_BOOTSTRAP: z.string(),
  /** `moto` when the lane started the endpoint itself, so that functions are called by everything that calls functions. */
  LANE_ENDPOINT: z.enum(['moto', 'given']),
  /** Services that the endpoint does not have. */
  LANE_WITHOUT: z.string().transform(list => list.split(',')),
});

export interface Installation {
  config: Config;
  connection: Connection;
  wire: Wire;
  bootstrap: string;
  callsFunctions: boolean;
  has(service: string): boolean;
}

export function installation(): Installation {
  const parsed = Environment.safeParse(process.env);
  if (!parsed.success) throw new Error('these tests need what the AWS lane sets up; run npm run test:aws');
  const { data } = parsed;
  const credentials = { accessKeyId: data.AWS_ACCESS_KEY_ID, secretAccessKey: data.AWS_SECRET_ACCESS_KEY };
  const where = { endpoint: data.AWS_ENDPOINT_URL, region: data.AWS_REGION };
  return {
    config: data,
    // moto copies a table whole for every step of a transaction, and this machine may have other work too.
    connection: { ...where, credentials, timeout: 60_000 },
    wire: { ...where, ...credentials },
    bootstrap: data.LANE_BOOTSTRAP,
    callsFunctions: data.LANE_ENDPOINT === 'moto',
    has: service => !data.LANE_WITHOUT.includes(service),
  };
}

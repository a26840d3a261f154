import { z } from 'zod';
import { fail } from '../../../shared/schema/failure.ts';
import type { Ec2Instance } from '../../../shared/schema/instance.ts';
import { awsIdentity, awsInstance, awsTags } from './cloud-aws.ts';
import { azureIdentity, azureTags } from './cloud-azure.ts';
import { gcpIdentity, gcpTags } from './cloud-gcp.ts';
import { type Ask, askMetadata } from './metadata.ts';

/** What an instance proves its identity with: the body of `POST /issue`. */
export interface Proof {
  realm: 'AWSSecurityToken' | 'GCPIdentityToken' | 'AzureIdentityToken';
  metadata: Record<string, unknown>;
}

export interface ProofRequest {
  /** URL of the control plane, which the proof is made for and good for nowhere else. */
  api: string;
  now: Date;
  randomBytes: (size: number) => Uint8Array;
}

export const CLOUDS = ['aws', 'gcp', 'azure'] as const;
export type CloudName = (typeof CLOUDS)[number];

/** The cloud that the host runs in. */
export interface Cloud {
  name: CloudName;
  /** Tags that tell of the instance: `cloud:aws:region=eu-west-1`. Sorted. */
  tags(): Promise<string[]>;
  prove(request: ProofRequest): Promise<Proof>;
  /** The EC2 instance that the host is; undefined in other clouds. */
  instance(): Promise<Ec2Instance | undefined>;
}

interface Provider {
  tags: (ask: Ask) => Promise<string[]>;
  prove: (ask: Ask, request: ProofRequest) => Promise<Proof>;
  instance?: (ask: Ask) => Promise<Ec2Instance | undefined>;
}

const PROVIDERS: Record<CloudName, Provider> = {
  aws: { tags: awsTags, prove: awsIdentity, instance: awsInstance },
  gcp: { tags: gcpTags, prove: gcpIdentity },
  azure: { tags: azureTags, prove: azureIdentity },
};

/** Origins of the metadata services; absent: their well-known ones. */
export const Endpoints = z.partialRecord(z.enum(CLOUDS), z.url());
export type Endpoints = z.infer<typeof Endpoints>;

const cloudOf = (name: CloudName, endpoint: string | undefined): Cloud => {
  const ask = askMetadata(name, endpoint);
  const { tags, prove, instance = async () => undefined } = PROVIDERS[name];
  return {
    name,
    tags: () => tags(ask),
    prove: request => prove(ask, request),
    instance: () => instance(ask),
  };
};

/** The cloud whose metadata service answers, or undefined. All are asked at once, and each has two seconds. */
export async function findCloud(endpoints: Endpoints = {}): Promise<Cloud | undefined> {
  const answers = await Promise.all(
    CLOUDS.map(async name => {
      const cloud = cloudOf(name, endpoints[name]);
      return cloud.tags().then(
        tags => (tags.length > 0 ? cloud : undefined),
        () => undefined,
      );
    }),
  );
  return answers.find(cloud => cloud !== undefined);
}

export const noCloud = () =>
  fail(
    'unavailable',
    'no metadata service of AWS, Google Cloud or Azure answers here; register with --creds or --token instead',
  );

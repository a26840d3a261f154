import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { BundleAccess } from '../../ports/bundle-access.ts';
import { RELEASES } from '../../schema/enforcerrelease.ts';
import { fail } from '../../schema/failure.ts';
import { ObjectId } from '../../schema/ids.ts';
import { type Connection, call, clientConfig } from './client.ts';

export interface BundleAccessOptions extends Connection {
  bucket: string;
  /** Role that may read every bundle; the session policy narrows it to one. */
  roleArn: string;
}

/** Seconds. One role that assumes another gets no more. */
const DURATION = 3600;

/** What a session name may hold; the whole subject stands in our own activity log. */
const sessionName = (subject: string): string =>
  `enforcer-${subject.replace(/[^\w+=,.@-]/g, '-')}`.slice(0, 64);

/** STS: a session of the bundle reader's role with a policy that leaves one prefix and the releases to read. */
export function openBundleAccess(options: BundleAccessOptions): BundleAccess {
  const client = new STSClient(clientConfig(options));
  const { bucket, roleArn } = options;
  const partition = roleArn.split(':')[1] ?? 'aws';

  const policy = (prefix: string): string =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 's3:GetObject',
          Resource: [prefix, RELEASES.slice(0, -1)].map(one => `arn:${partition}:s3:::${bucket}/${one}/*`),
        },
      ],
    });
  const urlOf = async (prefix: string): Promise<string> => {
    if (options.endpoint !== undefined) return `${options.endpoint}/${bucket}/${prefix}`;
    const suffix = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
    return `https://${bucket}.s3.${await client.config.region()}.${suffix}/${prefix}`;
  };

  return {
    async grant(namespaceID, subject) {
      const prefix = `bundles/${ObjectId.parse(namespaceID)}`;
      const assume = new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: sessionName(subject),
        DurationSeconds: DURATION,
        Policy: policy(prefix),
      });
      const { Credentials } = await call('STS', () => client.send(assume));
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
        throw fail('unavailable', 'STS gave no credentials; try again in a moment');
      return {
        url: await urlOf(prefix),
        accessKeyID: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration: Expiration.toISOString(),
      };
    },
  };
}

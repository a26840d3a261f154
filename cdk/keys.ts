import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, type IGrantable, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** Who signs. Each has an IAM path of its own, and a key lets only roles of its signer's path sign. */
export type Signer = 'publisher' | 'tokens';

export const rolePath = (installation: string, signer: Signer): string => `/${installation}/${signer}/`;

/** Everything that keeps a key in order, and nothing that uses it. */
const administration = [
  'kms:CancelKeyDeletion',
  'kms:DescribeKey',
  'kms:DisableKey',
  'kms:DisableKeyRotation',
  'kms:EnableKey',
  'kms:EnableKeyRotation',
  'kms:GetKeyPolicy',
  'kms:GetKeyRotationStatus',
  'kms:GetPublicKey',
  'kms:ListGrants',
  'kms:ListKeyPolicies',
  'kms:ListResourceTags',
  'kms:PutKeyPolicy',
  'kms:RevokeGrant',
  'kms:ScheduleKeyDeletion',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:UpdateKeyDescription',
];

/** In a key's own policy, resource `*` is that key. */
export const administered = (): PolicyStatement =>
  new PolicyStatement({
    sid: 'AccountAdministers',
    principals: [new AccountRootPrincipal()],
    actions: administration,
    resources: ['*'],
  });

interface SigningKeysProps {
  installation: string;
}

/**
 * P-256 keys that sign and never leave KMS. The key policy, not IAM alone, says who signs: an IAM policy elsewhere in
 * the account that grants `kms:Sign` on everything does not reach these keys.
 */
export class SigningKeys extends Construct {
  readonly token: Key;
  readonly targets: Key;
  readonly snapshot: Key;
  readonly timestamp: Key;

  constructor(scope: Construct, id: string, props: SigningKeysProps) {
    super(scope, id);
    this.token = this.#key('Token', 'Signs the API tokens', 'tokens', props);
    this.targets = this.#key('Targets', 'TUF targets role of the bundles', 'publisher', props);
    this.snapshot = this.#key('Snapshot', 'TUF snapshot role of the bundles', 'publisher', props);
    this.timestamp = this.#key('Timestamp', 'TUF timestamp role of the bundles', 'publisher', props);
  }

  #key(id: string, description: string, signer: Signer, { installation }: SigningKeysProps): Key {
    const roles = Stack.of(this).formatArn({
      service: 'iam',
      region: '',
      resource: `role${rolePath(installation, signer)}*`,
    });
    return new Key(this, id, {
      description,
      keySpec: KeySpec.ECC_NIST_P256,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy: RemovalPolicy.RETAIN,
      policy: new PolicyDocument({
        statements: [
          administered(),
          new PolicyStatement({
            sid: 'SignerSigns',
            principals: [new AccountRootPrincipal()],
            actions: ['kms:Sign'],
            resources: ['*'],
            conditions: { ArnLike: { 'aws:PrincipalArn': roles } },
          }),
        ],
      }),
    });
  }
}

/** The public half is needed wherever a signature is checked or a signer says who it is. */
export function grantPublicKey({ grantPrincipal }: IGrantable, ...keys: Key[]): void {
  grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['kms:GetPublicKey'], resources: keys.map(key => key.keyArn) }),
  );
}

/** Takes effect only for roles under the path that the key's own policy names. */
export function grantSign({ grantPrincipal }: IGrantable, ...keys: Key[]): void {
  grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['kms:Sign'], resources: keys.map(key => key.keyArn) }),
  );
}

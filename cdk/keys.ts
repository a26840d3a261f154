import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, type IGrantable, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { generationsAround } from '../shared/schema/token.ts';

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
  /** Generation of the key that signs tokens, from 1. */
  tokenKey: number;
}

/**
 * P-256 keys that sign and never leave KMS. The key policy, not IAM alone, says who signs: an IAM policy elsewhere in
 * the account that grants `kms:Sign` on everything does not reach these keys.
 */
export class SigningKeys extends Construct {
  /** Signs tokens. */
  readonly token: Key;
  /** Verify them: that one, the one before it and the one that comes next. */
  readonly tokens: Key[];
  readonly targets: Key;
  readonly snapshot: Key;
  readonly timestamp: Key;

  constructor(scope: Construct, id: string, props: SigningKeysProps) {
    super(scope, id);
    // All there ever were stay in the stack: what another stack may still use cannot be taken away from it.
    const generations = Array.from({ length: props.tokenKey + 1 }, (_, at) =>
      this.#key(at === 0 ? 'Token' : `Token${at + 1}`, 'Signs the API tokens', 'tokens', props),
    );
    for (const { keyId, keyArn } of generations) {
      Stack.of(this).exportValue(keyId);
      Stack.of(this).exportValue(keyArn);
    }
    this.token = generations[props.tokenKey - 1] as Key;
    this.tokens = generationsAround(props.tokenKey).map(generation => generations[generation - 1] as Key);
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

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { z } from 'zod';
import { installation } from '../../cdk/installation.ts';

const root = join(import.meta.dirname, '..', '..');
const CdkJson = z.object({ context: z.record(z.string(), z.unknown()) });
const { context } = CdkJson.parse(JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')));

const Resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
});
export type Resource = z.infer<typeof Resource>;
const Template = z.object({
  Resources: z.record(z.string(), Resource),
  Outputs: z.record(z.string(), z.unknown()),
});

/** The app as `cdk.json` makes it, but for the functions' code: bundling them has a test of its own, `npx cdk synth`. */
export function appWith(more: Record<string, unknown> = {}): { app: App; outdir: string } {
  const outdir = mkdtempSync(join(tmpdir(), 'microseg-cdk-'));
  return {
    app: new App({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [], ...more } }),
    outdir,
  };
}

/** Both stacks' resources, and the app that they came from. */
export function synthesize() {
  const { app, outdir } = appWith();
  try {
    installation(app);
    const assembly = app.synth();
    const template = (name: string) => Template.parse(assembly.getStackByName(name).template);
    const [data, rest] = [template('microseg-data'), template('microseg-app')];
    return { app, data: data.Resources, rest: rest.Resources, all: { ...data.Resources, ...rest.Resources } };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

export type Resources = Record<string, Resource>;

export const ofType = (resources: Resources, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

/** The API of a kind, of which there is one. */
export function ofProtocol(resources: Resources, protocol: 'HTTP' | 'WEBSOCKET'): [string, Resource] {
  const apis = ofType(resources, 'AWS::ApiGatewayV2::Api');
  const [api, ...more] = apis.filter(([, { Properties }]) => Properties.ProtocolType === protocol);
  if (api && more.length === 0) return api;
  throw new Error(`the template has ${1 + more.length} APIs of ${protocol}, or none`);
}

/** Logical IDs that a value refers to, wherever in it: through Ref, GetAtt or the name of an export. */
export function refersTo(value: unknown, id: string): boolean {
  return (
    JSON.stringify(value).includes(`"${id}"`) ||
    new RegExp(`GetAtt${id}|Ref${id}`).test(JSON.stringify(value))
  );
}

const list = z.union([z.string(), z.record(z.string(), z.unknown())]);
const Statement = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: z.union([z.string().transform(one => [one]), z.array(z.string())]),
  Resource: z.union([z.array(list), list.transform(one => [one])]).default([]),
  Principal: z.unknown().optional(),
  Condition: z.unknown().optional(),
});
export type Statement = z.infer<typeof Statement>;
const Document = z.object({ Statement: z.array(Statement) });

export interface Allowed extends Statement {
  /** Logical ID of the resource whose policy it is. */
  where: string;
  /** Logical IDs of the roles that it is attached to. */
  roles: string[];
}

const Attached = z.object({
  PolicyDocument: Document.optional(),
  KeyPolicy: Document.optional(),
  AssumeRolePolicyDocument: Document.optional(),
  Policies: z.array(z.object({ PolicyDocument: Document })).default([]),
  Roles: z.array(z.object({ Ref: z.string() })).default([]),
});

/** Every statement that allows something, of every policy in the templates. */
export function allowed(resources: Resources): Allowed[] {
  return Object.entries(resources).flatMap(([where, resource]) => {
    const parsed = Attached.safeParse(resource.Properties);
    if (!parsed.success) return [];
    const { PolicyDocument, KeyPolicy, AssumeRolePolicyDocument, Policies, Roles } = parsed.data;
    const documents = [
      PolicyDocument,
      KeyPolicy,
      AssumeRolePolicyDocument,
      ...Policies.map(p => p.PolicyDocument),
    ];
    const inline = resource.Type === 'AWS::IAM::Role' ? [where] : [];
    return documents
      .flatMap(document => document?.Statement ?? [])
      .filter(({ Effect }) => Effect === 'Allow')
      .map(statement => ({ ...statement, where, roles: [...inline, ...Roles.map(({ Ref }) => Ref)] }));
  });
}

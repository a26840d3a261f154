import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).optional(),
  DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
});
export type Resource = z.infer<typeof Resource>;

export const Template = z.looseObject({
  Resources: z.record(z.string(), Resource),
  Parameters: z.record(z.string(), z.unknown()).optional(),
  Rules: z.record(z.string(), z.unknown()).optional(),
  Outputs: z.record(z.string(), z.unknown()).optional(),
});
export type Template = z.infer<typeof Template>;

export interface Stack {
  name: string;
  template: Template;
}

const SUFFIX = '.template.json';
/** What others import comes first. */
const ORDER = ['data', 'app'];
const rank = ({ name }: Stack): number => ORDER.findIndex(part => name.endsWith(part));

/**
 * The stacks as `cdk synth` makes them, in the order of deployment. Code is not bundled: here it runs from its sources.
 * `name`: prefix of the stacks, so that a lasting endpoint can hold those of several runs.
 */
export function synthesize(name: string): Stack[] {
  const directory = mkdtempSync(join(tmpdir(), 'microseg-cdk-'));
  const { app, context } = z
    .object({ app: z.string(), context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')));
  execFileSync(app, {
    cwd: ROOT,
    shell: true,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      CDK_OUTDIR: directory,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, name, 'aws:cdk:bundling-stacks': [] }),
    },
  });
  const stacks = readdirSync(directory)
    .filter(file => file.endsWith(SUFFIX))
    .map(file => ({
      name: file.slice(0, -SUFFIX.length),
      template: Template.parse(JSON.parse(readFileSync(join(directory, file), 'utf8'))),
    }));
  rmSync(directory, { recursive: true });
  return stacks.sort((a, b) => rank(a) - rank(b));
}

export const resourcesOf = (stacks: readonly Stack[], type: string): [logicalId: string, Resource][] =>
  stacks.flatMap(({ template }) =>
    Object.entries(template.Resources).filter(([, resource]) => resource.Type === type),
  );

/** `{ Ref: x }` or `{ 'Fn::GetAtt': [x, 'Arn'] }` → x */
export const referred = (value: unknown): string | undefined => {
  const parsed = z
    .union([z.object({ Ref: z.string() }), z.object({ 'Fn::GetAtt': z.array(z.string()) })])
    .safeParse(value);
  if (!parsed.success) return undefined;
  return 'Ref' in parsed.data ? parsed.data.Ref : parsed.data['Fn::GetAtt'][0];
};

/** What a resource that is not in the stack is called all the same: its `Ref` and its `Arn`. */
export interface Substitute {
  ref: string;
  arn: string;
}

/** The name that a bus is given is what `Ref` stands for; moto's CloudFormation has nothing to say for it. */
const busNames = (template: Template): [string, Substitute][] =>
  Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) =>
    Type === 'AWS::Events::EventBus' && typeof Properties?.Name === 'string'
      ? [[id, { ref: Properties.Name, arn: '' }]]
      : [],
  );

/**
 * The template without some resources. What refers to one of them gets its substitute, or its logical ID, so that names
 * stay names. The guard of the CDK's bootstrap is left out too, because nothing is deployed through it.
 */
export function without(
  template: Template,
  dropped: (resource: Resource) => boolean,
  substitutes: ReadonlyMap<string, Substitute>,
): Template {
  const { Parameters, Rules, Outputs, ...rest } = template;
  const kept = Object.entries(template.Resources).filter(([, resource]) => !dropped(resource));
  const gone = new Set(Object.keys(template.Resources).filter(id => !kept.some(([other]) => other === id)));
  const known = new Map([...substitutes, ...busNames(template)]);

  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== 'object' || value === null) return value;
    const target = referred(value);
    const substitute = target === undefined ? undefined : known.get(target);
    if (substitute && 'Ref' in value) return substitute.ref;
    if (target !== undefined && gone.has(target))
      return substitute?.arn ?? ('Ref' in value ? target : `arn:aws:none:::${target}`);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replace(inner)]));
  };
  const resources = kept.map(([id, { DependsOn, ...resource }]) => {
    const needs = [DependsOn ?? []].flat().filter(each => !gone.has(each));
    return [id, { ...Object(replace(resource)), ...(needs.length > 0 && { DependsOn: needs }) }];
  });
  return Template.parse({
    ...rest,
    Resources: Object.fromEntries(resources),
    ...(Outputs && { Outputs: replace(Outputs) }),
  });
}

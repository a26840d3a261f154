import { notExported } from '../../shared/core/export.ts';
import { type Identity, identityNamed } from '../../shared/schema/resources.ts';
import type { Got } from './door.ts';
import { Broken } from './laws.ts';
import { honest, type Made, type Story } from './story.ts';

const must = (law: string, got: Got, what: string): void => {
  if (got.status !== 200) throw new Broken(law, `${what} answers ${got.status} ${got.text.slice(0, 800)}`);
};

/** The object, unless something else may have removed it. */
async function read(
  story: Story,
  { ID, resource, namespace }: Made,
): Promise<Record<string, unknown> | undefined> {
  const line = `/${resource}/${ID}`;
  const got = await honest(story, 'GET', line, namespace);
  if (got.status === 404 && story.uncertain) return undefined;
  must('what was written can be read', got, `GET ${line}`);
  const listed = await honest(story, 'GET', `/${resource}?q=ID%20%3D%3D%20${ID}`, namespace);
  must('what was written is listed', listed, `GET /${resource}`);
  if (JSON.stringify(listed.body) !== JSON.stringify([got.body]))
    throw new Broken('what was written is listed', `${JSON.stringify(got.body)} and ${listed.text}`);
  return got.body as Record<string, unknown>;
}

async function writeBack(story: Story, made: Made, object: Record<string, unknown>): Promise<void> {
  const line = `/${made.resource}/${made.ID}`;
  const got = await honest(story, 'PUT', `${line}?override=true`, made.namespace, object);
  must('what was read can be written again', got, `PUT ${line} with ${JSON.stringify(object)}`);
}

/** Exports what is left, and imports it into a namespace that has nothing yet. */
async function carryOver(story: Story, identity: Identity, namespace: string, at: number): Promise<void> {
  const exported = await honest(story, 'POST', '/export', namespace, {
    identities: [identity],
    label: 'fuzz',
  });
  must('what was written can be exported', exported, `POST /export of ${identity}`);
  const fresh = await honest(story, 'POST', '/namespaces', story.tenant, { name: `again-${at}` });
  must('a namespace can be made', fresh, 'POST /namespaces');
  const path = `${story.tenant}/again-${at}`;
  const imported = await honest(story, 'POST', '/import', path, { data: exported.body });
  must('what was exported can be imported', imported, `POST /import of ${exported.text.slice(0, 2000)}`);
  const again = await honest(story, 'POST', '/import', path, { data: exported.body });
  must('what was exported can be imported', again, `POST /import again of ${exported.text.slice(0, 2000)}`);
  const { created, updated, removed } = again.body as Record<string, number>;
  if (created || updated || removed)
    throw new Broken('importing twice changes nothing', `${again.text} of ${exported.text.slice(0, 2000)}`);
}

/** What was refused was not done: nothing is there that no answer acknowledged. */
async function nothingElse(story: Story): Promise<void> {
  for (const resource of story.touched) {
    const got = await honest(story, 'GET', `/${resource}?recursive`, story.tenant);
    must('what is there can be listed', got, `GET /${resource}`);
    const known = new Set(story.made.filter(({ ID }) => !story.gone.has(ID)).map(({ ID }) => ID));
    const other = (got.body as { ID: string; name: string }[]).filter(
      ({ ID, name }) => !known.has(ID) && !(resource === 'namespaces' && name === `${story.tenant}/child`),
    );
    if (other.length > 0)
      throw new Broken('what was refused was not done', `${resource} holds ${JSON.stringify(other)}`);
  }
}

/** No write that a later read refuses: everything that was acknowledged is there, and can be carried elsewhere. */
export async function lookBack(story: Story): Promise<void> {
  const left = story.made.filter(({ ID }) => !story.gone.has(ID));
  const kinds = new Map<string, [Identity, string]>();
  for (const made of left) {
    const object = await read(story, made);
    if (!object) continue;
    const identity = identityNamed(made.resource);
    // What workflows keep, such as imports, is read and never replaced.
    if (identity) await writeBack(story, made, object);
    if (!identity || notExported(identity) || identity === 'namespace' || made.namespace === '/') continue;
    kinds.set(`${identity} ${made.namespace}`, [identity, made.namespace]);
  }
  if (!story.uncertain) await nothingElse(story);
  let at = 0;
  for (const [identity, namespace] of kinds.values()) await carryOver(story, identity, namespace, ++at);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { ApiError, type Client, type Operation, type Request } from '../../shared/api/client.ts';
import { Failure } from '../../shared/schema/failure.ts';

const KINDS = ['Networkrulesetpolicy', 'Externalnetwork', 'Namespace'] as const;
type Kind = (typeof KINDS)[number];

/** An object as its writer knows it. Its description is new with every write. */
interface Known {
  kind: Kind;
  ID: string;
  description: string;
}

/** The one write that was under way when the process was killed: it happened, or it did not. */
interface Doubt {
  name: string;
  kind: Kind;
  /** Undefined: a delete. */
  description: string | undefined;
}

const BODIES: Record<Kind, (propagate: boolean) => object> = {
  Networkrulesetpolicy: propagate => ({
    subject: [['app=front'], ['app=back']],
    incomingRules: [{ object: [['app=front'], ['net=office']], protocolPorts: ['tcp/443'] }],
    propagate,
  }),
  Externalnetwork: propagate => ({ entries: ['192.0.2.0/24'], associatedTags: ['net=office'], propagate }),
  Namespace: () => ({}),
};

const one = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)];

/** One client that writes into one namespace, one request after the other, and logs what was acknowledged. */
export class Writer {
  /** Writes that were acknowledged, in all. */
  acknowledged = 0;
  readonly #namespace: string;
  readonly #prefix: string;
  readonly #known = new Map<string, Known>();
  #doubt: Doubt | undefined;
  #count = 0;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#prefix = `w${namespace.replaceAll('/', '-')}-`;
  }

  /** Writes until the server is gone. Throws for any answer but success. */
  async run(client: Client): Promise<void> {
    for (;;) {
      if (!(await this.#write(client))) return;
      await sleep(Math.random() * 4);
    }
  }

  async #write(client: Client): Promise<boolean> {
    this.#count += 1;
    const description = `${this.#prefix}${this.#count}`;
    const [name, known] = one([...this.#known]) ?? [];
    const choice = Math.random();
    if (!name || !known || choice < 0.45 || this.#known.size < 5) {
      const kind = one(KINDS) ?? 'Namespace';
      return this.#create(client, { name: description, kind, description });
    }
    const request = { params: { id: known.ID } };
    if (choice < 0.75) {
      const patch = { ...request, body: { description } };
      return this.#ask(client, `patch${known.kind}`, patch, { name, kind: known.kind, description });
    }
    return this.#ask(client, `delete${known.kind}`, request, {
      name,
      kind: known.kind,
      description: undefined,
    });
  }

  #create(client: Client, doubt: Doubt & { description: string }): Promise<boolean> {
    const body = {
      name: doubt.name,
      description: doubt.description,
      ...BODIES[doubt.kind](Math.random() < 0.5),
    };
    return this.#ask(client, `create${doubt.kind}`, { body }, doubt);
  }

  async #ask(client: Client, operation: Operation, request: Request, doubt: Doubt): Promise<boolean> {
    this.#doubt = doubt;
    try {
      const { body } = await client.send(operation, { namespace: this.#namespace, ...request });
      this.#settle(doubt, (body as { ID: string }).ID);
      this.acknowledged += 1;
      return true;
    } catch (error) {
      if (isGone(error)) return false;
      throw error;
    }
  }

  #settle({ name, kind, description }: Doubt, ID: string): void {
    this.#doubt = undefined;
    if (description === undefined) this.#known.delete(name);
    else this.#known.set(name, { kind, ID, description });
  }

  /** Everything acknowledged is there as it was acknowledged, once; nothing else is, but for the one write in doubt. */
  async check(client: Client): Promise<void> {
    const found = new Map<string, Known>();
    for (const kind of KINDS) {
      const { body } = await client.call(`list${kind}`, { namespace: this.#namespace });
      for (const { ID, name, description } of body) {
        const short = name.slice(name.lastIndexOf('/') + 1);
        if (!short.startsWith(this.#prefix)) continue;
        expect(found.has(short), `${short} is there twice`).toBe(false);
        found.set(short, { kind, ID, description });
      }
    }
    const doubt = this.#doubt;
    if (doubt) {
      const there = found.get(doubt.name);
      if (there?.description === doubt.description) this.#settle(doubt, there?.ID ?? '');
      this.#doubt = undefined;
    }
    const sorted = (map: Map<string, Known>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(found), `in ${this.#namespace}`).toEqual(sorted(this.#known));
  }
}

/** Nobody answered. An answer that is a refusal is none of these. */
export const isGone = (error: unknown): boolean =>
  !(error instanceof ApiError) && error instanceof Failure && error.kind === 'unavailable';

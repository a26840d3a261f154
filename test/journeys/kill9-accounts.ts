import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { Client } from '../../shared/api/client.ts';
import type { BusEvent } from '../../shared/schema/event.ts';
import { isGone } from './kill9-writers.ts';

interface Account {
  name: string;
  accountID: string;
  prismaID: string;
  provider: 'aws';
}

/** Adds cloud accounts to one tenant, through the API or as events, and remembers which were taken. */
export class AccountAdder {
  readonly #tenant: string;
  /** Account → whether it was acknowledged; false: it may be there. */
  readonly #added = new Map<string, { account: Account; certain: boolean }>();
  #checked = new Set<string>();
  #messages = 0;

  constructor(tenant: string) {
    this.#tenant = tenant;
  }

  get acknowledged(): number {
    return [...this.#added.values()].filter(({ certain }) => certain).length;
  }

  #next(): Account {
    const number = this.#added.size + 1;
    const accountID = String(100_000_000_000 + number);
    const account = {
      name: `account-${number}`,
      accountID,
      prismaID: this.#tenant,
      provider: 'aws' as const,
    };
    this.#added.set(accountID, { account, certain: false });
    return account;
  }

  async overHttp(client: Client): Promise<void> {
    for (;;) {
      const account = this.#next();
      try {
        await client.call('createCloudaccount', { namespace: '/', body: account });
      } catch (error) {
        if (isGone(error)) return;
        throw error;
      }
      this.#acknowledge(account);
      await sleep(60 + Math.random() * 60);
    }
  }

  /** Each event twice, now and then under another ID: deliveries repeat, and two sources may tell the same. */
  async asEvents(child: ChildProcess): Promise<void> {
    const gone = new AbortController();
    child.once('disconnect', () => gone.abort());
    if (!child.connected) return;
    for (;;) {
      const account = this.#next();
      const event = eventOf(account);
      const again = Math.random() < 0.3 ? { ...event, id: randomUUID() } : event;
      try {
        await this.#publish(child, [event, again], gone.signal);
        this.#acknowledge(account);
        await sleep(60 + Math.random() * 60, undefined, { signal: gone.signal });
      } catch (error) {
        if (gone.signal.aborted) return;
        throw error;
      }
    }
  }

  #acknowledge({ accountID, ...rest }: Account): void {
    this.#added.set(accountID, { account: { accountID, ...rest }, certain: true });
  }

  /** Resolves once they are durable. */
  async #publish(child: ChildProcess, events: readonly BusEvent[], gone: AbortSignal): Promise<void> {
    this.#messages += 1;
    const id = this.#messages;
    const answered = once(child, 'message', { signal: gone });
    child.send({ id, events }, () => undefined);
    const [answer] = await answered;
    expect(answer).toEqual({ id });
  }

  /** Every account that was taken becomes Ready, and its part of the tree is there exactly once. */
  async check(client: Client): Promise<void> {
    const tenant = `/${this.#tenant}`;
    await vi.waitFor(
      async () => {
        const { body } = await client.call('listCloudaccount', { namespace: tenant });
        const status = new Map(body.map(account => [account.accountID, account.status]));
        expect(status.size, 'an account is there twice').toBe(body.length);
        for (const [id, { certain }] of this.#added) {
          if (certain || status.has(id)) expect(status.get(id), `account ${id}`).toBe('Ready');
        }
      },
      { timeout: 30_000, interval: 50 },
    );
    const { body } = await client.call('listNamespace', { namespace: tenant, query: { recursive: true } });
    const paths = body.map(namespace => namespace.name);
    expect(new Set(paths).size, 'a namespace is there twice').toBe(paths.length);
    const present = [...this.#added.values()].filter(({ account }) => paths.includes(pathOf(account)));
    for (const { account } of present) {
      const path = pathOf(account);
      expect(paths.filter(other => other.startsWith(`${path}/`))).toEqual([`${path}/default`]);
      if (this.#checked.has(path)) continue;
      for (const [operation, count] of [
        ['listEnforcerprofile', 1],
        ['listEnforcerprofilemappingpolicy', 1],
        // NetSecOps, and its read-only group.
        ['listApiauthorizationpolicy', 2],
      ] as const) {
        const { body } = await client.call(operation, { namespace: path });
        expect(body, `${operation} ${path}`).toHaveLength(count);
      }
      this.#checked.add(path);
    }
    const missing = [...this.#added.values()].filter(it => it.certain && !present.includes(it));
    expect(missing).toEqual([]);
  }
}

const pathOf = ({ prismaID, name, accountID }: Account): string => `/${prismaID}/${name}-${accountID}`;

const eventOf = (detail: Account): BusEvent & { source: 'microseg' } => ({
  id: randomUUID(),
  time: new Date().toISOString(),
  source: 'microseg',
  'detail-type': 'CloudAccountOnboarded',
  detail: { ...detail, defaultPUIncomingTrafficAction: 'Allow', defaultPUOutgoingTrafficAction: 'Allow' },
});

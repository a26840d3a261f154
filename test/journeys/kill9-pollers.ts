import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { BundlePoller } from '../../clients/enforcer/poll.ts';
import { loadView } from '../../functions/load.ts';
import type { ControlPlane } from '../../local/control-plane.ts';
import type { Client } from '../../shared/api/client.ts';
import { compile } from '../../shared/core/compile.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';

/** An enforcer that polls its namespace's bundle through everything. */
export class Survivor {
  /** Bundles that it accepted. */
  accepted = 0;
  revision = 0;
  readonly #namespace: NamespacePath;
  readonly #poller: BundlePoller;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #violation: unknown;

  constructor(namespace: NamespacePath, enforcerID: string, root: Uint8Array, client: Client) {
    this.#namespace = namespace;
    this.#poller = poller(namespace, enforcerID, root, client);
  }

  begin(): void {
    this.#running = this.#poll().catch(error => {
      this.#violation = error;
    });
  }

  async end(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Throws what it must never have seen: a bundle that it had to refuse, or an older one. */
  check(): void {
    if (this.#violation) throw this.#violation;
  }

  async #poll(): Promise<void> {
    while (!this.#stopped) {
      await sleep(20);
      // No answer, or a broken one: the server is being killed.
      const polled = await this.#poller.poll().catch(() => undefined);
      if (polled?.outcome !== 'opened') continue;
      const { result } = polled;
      if (!result.ok && result.reason === 'unreachable') continue;
      if (!result.ok && result.reason === 'missing' && this.accepted === 0) continue;
      expect(result, this.#namespace).toMatchObject({ ok: true });
      if (!result.ok) continue;
      expect(result.revision, `revision in ${this.#namespace}`).toBeGreaterThanOrEqual(this.revision);
      polled.accept();
      this.accepted += 1;
      this.revision = result.revision;
    }
  }
}

const poller = (namespace: string, enforcerID: string, root: Uint8Array, client: Client): BundlePoller =>
  new BundlePoller({
    state: { root },
    now: () => new Date(),
    credentials: async () => {
      const request = { namespace, params: { id: enforcerID } };
      return (await client.call('createEnforcerCredentials', request)).body;
    },
  });

/** What is published for a namespace is, byte for byte, what a fresh compile of what is stored gives. */
export async function checkBundle(
  plane: ControlPlane,
  data: string,
  namespace: NamespacePath,
  enforcerID: string,
  client: Client,
): Promise<void> {
  const root = await readFile(join(data, 'root.json'));
  await vi.waitFor(
    async () => {
      const fresh = compile(await loadView(plane.deps.store, namespace), namespace);
      const once = poller(namespace, enforcerID, root, client);
      expect(await once.poll()).toMatchObject({ outcome: 'opened', result: { ok: true } });
      for (const [name, bytes] of Object.entries(fresh.payloads)) {
        const published = once.state.bundle?.payloads[name as keyof typeof fresh.payloads];
        expect(Buffer.from(published ?? []).toString(), `${name} of ${namespace}`).toBe(
          Buffer.from(bytes).toString(),
        );
      }
    },
    // A publish that failed is tried again after a second.
    { timeout: 10_000, interval: 100 },
  );
}

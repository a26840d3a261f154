import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FlowStore } from '../../shared/ports/flow-store.ts';
import { FlowReport } from '../../shared/schema/flowreport.ts';
import { childPath, type NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import { freshTenant, nextID } from '../make/objects.ts';

export interface FlowStoreUnderTest {
  flows: FlowStore;
  /** Returns when what was appended can be read. */
  delivered?: () => Promise<void>;
  stop(): Promise<void>;
}

export const flowAt = (namespace: NamespacePath, timestamp: string, more: object = {}): FlowReport =>
  FlowReport.parse({
    timestamp,
    ID: nextID(),
    action: 'Accept',
    sourceID: 'source',
    sourceType: 'ProcessingUnit',
    destinationID: 'somewhere',
    destinationType: 'ExternalNetwork',
    destinationIP: '192.0.2.1',
    destinationPort: 443,
    protocol: 6,
    policyID: 'default',
    policyNamespace: namespace,
    namespace,
    value: 1,
    ...more,
  });

export function flowStoreContract(name: string, open: () => Promise<FlowStoreUnderTest>): void {
  describe(`flow store: ${name}`, () => {
    let under: FlowStoreUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    const append = async (namespace: NamespacePath, reports: readonly FlowReport[]): Promise<void> => {
      await under.flows.append(namespace, reports);
      await under.delivered?.();
    };
    const everything = async (namespace: NamespacePath, query: object = {}): Promise<FlowReport[]> => {
      const all: FlowReport[] = [];
      let after: string | undefined;
      do {
        const page = await under.flows.read(namespace, {
          limit: 100,
          recursive: false,
          ...query,
          ...(after === undefined ? {} : { after }),
        });
        all.push(...page.items);
        after = page.next;
      } while (after !== undefined);
      return all;
    };

    it('reads what was appended, every attribute, newest first', async () => {
      const tenant = freshTenant();
      const older = flowAt(tenant, '2026-03-01T10:00:00.000Z', { ruleName: 'web "quoted" ü\n', value: 7 });
      const newer = flowAt(tenant, '2026-03-01T10:00:00.001Z', { sourceName: '","namespace":"/other"' });
      await append(tenant, [older, newer]);
      expect(await everything(tenant)).toEqual([newer, older]);
    });

    it('has nothing of a tenant that reported nothing', async () => {
      expect(await everything(freshTenant())).toEqual([]);
    });

    it('reads those alone that pass, whatever stands between them, page by page', async () => {
      const tenant = freshTenant();
      const all = Array.from({ length: 40 }, (_, at) =>
        flowAt(tenant, new Date(Date.UTC(2026, 2, 1, 10) - at).toISOString(), { value: 1 + (at % 4) }),
      );
      await append(tenant, all);
      const passes = ({ value }: FlowReport) => value === 3;
      const wanted = all.filter(passes);
      for (const limit of [1, 3, 10, 100])
        expect(await everything(tenant, { passes, limit })).toEqual(wanted);
      expect(await everything(tenant, { passes: () => false })).toEqual([]);
    });

    it('reads a record once that was appended twice, in one batch or in two', async () => {
      const tenant = freshTenant();
      const report = flowAt(tenant, '2026-03-01T10:00:00.000Z');
      await append(tenant, [report, report]);
      await append(tenant, [report]);
      expect(await everything(tenant)).toEqual([report]);
      expect(await everything(tenant, { limit: 1 })).toEqual([report]);
    });

    it('reads from a moment on and before another one, over days', async () => {
      const tenant = freshTenant();
      const times = ['2026-02-27T23:59:59.999Z', '2026-02-28T00:00:00.000Z', '2026-03-01T12:00:00.000Z'];
      const reports = times.map(time => flowAt(tenant, time));
      await append(tenant, reports);
      const [first, second, third] = reports;
      expect(await everything(tenant, { from: times[1] })).toEqual([third, second]);
      expect(await everything(tenant, { to: times[1] })).toEqual([first]);
      expect(await everything(tenant, { from: times[1], to: times[2] })).toEqual([second]);
      expect(await everything(tenant, { from: times[2], to: times[2] })).toEqual([]);
    });

    it('reads one namespace, or all below it too, and nothing of a neighbour with a longer name', async () => {
      const tenant = freshTenant();
      const [one, below, other] = [
        childPath(tenant, 'one'),
        childPath(childPath(tenant, 'one'), 'below'),
        childPath(tenant, 'one-more'),
      ];
      const time = '2026-03-01T10:00:00.000Z';
      const reports = [tenant, one, below, other].map(namespace => flowAt(namespace, time));
      await append(tenant, reports);
      const [, atOne, atBelow] = reports;
      expect(await everything(one)).toEqual([atOne]);
      expect(await everything(one, { recursive: true })).toEqual([atBelow, atOne]);
      expect(await everything(tenant, { recursive: true })).toHaveLength(4);
    });

    it('keeps tenants apart, and the root from all of them', async () => {
      const [one, other] = [freshTenant(), freshTenant()];
      const time = '2026-03-01T10:00:00.000Z';
      await append(one, [flowAt(one, time)]);
      expect(await everything(other, { recursive: true })).toEqual([]);
      expect((await everything(ROOT)).map(({ namespace }) => namespace)).not.toContain(one);
      await expect(everything(ROOT, { recursive: true })).rejects.toMatchObject({ kind: 'bad_request' });
    });

    it('gives every record once over pages of any size, whatever the order in which they came', async () => {
      const tenant = freshTenant();
      const reports = Array.from({ length: 60 }, (_, at) =>
        flowAt(tenant, new Date(Date.UTC(2026, 2, 1) + ((at * 37) % 20) * 7_200_000).toISOString()),
      );
      for (let at = 0; at < reports.length; at += 15) await append(tenant, reports.slice(at, at + 15));
      const expected = reports.toSorted((a, b) => (a.timestamp + a.ID < b.timestamp + b.ID ? 1 : -1));
      for (const limit of [1, 7, 59, 60, 100]) expect(await everything(tenant, { limit })).toEqual(expected);
    });

    it('shows each record of a window once that pages hold, and ends where the one who looks throws', async () => {
      const tenant = freshTenant();
      const below = childPath(tenant, 'below');
      const start = Date.UTC(2026, 1, 28, 20);
      const reports = Array.from({ length: 30 }, (_, at) =>
        flowAt(at % 3 === 0 ? below : tenant, new Date(start + at * 1_200_000).toISOString()),
      );
      await append(tenant, [...reports, ...reports.slice(5, 9)]);
      await append(tenant, reports.slice(10, 20));
      const from = reports[4]?.timestamp ?? '';
      const to = reports[25]?.timestamp ?? '';
      for (const [namespace, window] of [
        [tenant, { recursive: true }],
        [tenant, { recursive: false }],
        [below, { recursive: true, from }],
        [tenant, { recursive: true, from, to }],
        [tenant, { recursive: true, from: to, to }],
      ] as const) {
        const seen: FlowReport[] = [];
        await under.flows.each(namespace, window, report => seen.push(report));
        const newestFirst = seen.toSorted((a, b) => (a.timestamp + a.ID < b.timestamp + b.ID ? 1 : -1));
        expect(newestFirst).toEqual(await everything(namespace, window));
      }
      const looks: string[] = [];
      const once = ({ ID }: FlowReport): void => {
        looks.push(ID);
        throw new Error('enough');
      };
      await expect(under.flows.each(tenant, { recursive: true }, once)).rejects.toThrow('enough');
      expect(looks).toHaveLength(1);
      await expect(under.flows.each(ROOT, { recursive: true }, once)).rejects.toMatchObject({
        kind: 'bad_request',
      });
    });

    it('refuses a cursor that it never gave', async () => {
      await expect(everything(freshTenant(), { after: 'x' })).rejects.toMatchObject({ kind: 'bad_request' });
      expect.assertions(1);
    });

    it('takes a batch of thousands', async () => {
      const tenant = freshTenant();
      const time = '2026-03-01T10:00:00.000Z';
      await append(
        tenant,
        Array.from({ length: 5000 }, () => flowAt(tenant, time)),
      );
      expect(await everything(tenant, { limit: 1000 })).toHaveLength(5000);
    });

    it('lets others go on while it looks through many records, however long the query takes for each', async () => {
      const tenant = freshTenant();
      await under.flows.append(
        tenant,
        Array.from({ length: 300 }, () => flowAt(tenant, '2026-03-02T10:00:00.000Z')),
      );
      await under.delivered?.();
      let turns = 0;
      const others = setInterval(() => {
        turns += 1;
      }, 1);
      const slowly = (): boolean => {
        const until = performance.now() + 1;
        while (performance.now() < until);
        return false;
      };
      const { items } = await under.flows.read(tenant, { recursive: false, limit: 10, passes: slowly });
      clearInterval(others);
      expect(items).toEqual([]);
      expect(turns).toBeGreaterThan(5);
    });
  });
}

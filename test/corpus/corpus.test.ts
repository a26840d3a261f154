import { describe, expect, test } from 'vitest';
import { open } from '../../shared/bundle/open.ts';
import { seal } from '../../shared/bundle/seal.ts';
import { compile } from '../../shared/core/compile.ts';
import type { NetworkEnd, SideDecision, UnitEnd } from '../../shared/core/decision.ts';
import { decide, evaluate, policiesOf } from '../../shared/core/evaluate.ts';
import { modelFromPayload, type PolicyModel } from '../../shared/core/policy.ts';
import type { PolicyView } from '../../shared/core/view.ts';
import type { PeersPayload } from '../../shared/schema/bundle.ts';
import { type NamespacePath, tenantOf } from '../../shared/schema/ids.ts';
import { viewOf } from '../core/objects.ts';
import { HOUR, later, START, serve, TestRepository } from '../make/repository.ts';
import { type Case, readCorpus } from './read.ts';

const corpus = readCorpus();

/** The decision in the words of the corpus. */
const inWords = (verdict: string, by: SideDecision['by']): string => {
  if (!('rule' in by)) return `${verdict} default ${by.default.namespace}`;
  const via = by.via.kind === 'external network' ? ` via ${by.via.name}` : '';
  return `${verdict} ${by.rule.name}#${by.rule.index + 1}${via}`;
};

const said = (side: SideDecision | undefined) => ({
  decision: side && inWords(side.verdict, side.by),
  observed: side?.observed && inWords(side.observed.verdict, side.observed.by),
  unlisted: side?.unlisted,
});

const expected = (one: Case, side: 'source' | 'destination') => ({
  decision: one[side],
  observed: one.observed[side],
  unlisted: one.unlisted[side],
});

/** What an enforcer has of its namespace: policy and peers, out of a bundle that was sealed, fetched and verified. */
interface Opened {
  model: PolicyModel;
  peers: PeersPayload['identities'];
}

async function opened(repository: TestRepository, view: PolicyView, path: NamespacePath): Promise<Opened> {
  const namespaceID = view.namespaces.at(path)?.ID;
  if (!namespaceID) throw new Error(`no namespace ${path}`);
  const bound = { tenant: tenantOf(path), namespace: path, namespaceID };
  const sealed = await seal({
    payloads: compile(view, path).payloads,
    binding: { ...bound, compiledAt: START.toISOString() },
    roots: repository.roots,
    signers: repository.signers,
    now: START,
  });
  if (sealed.outcome !== 'sealed') throw new Error('nothing was sealed');
  const result = await open({
    fetch: serve(new Map(sealed.files.map(file => [file.key, file.body]))),
    state: repository.anchor,
    expected: bound,
    now: later(HOUR),
    signal: AbortSignal.timeout(10_000),
  });
  if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
  return {
    model: modelFromPayload(result.payloads['policy.json']),
    peers: result.payloads['peers.json'].identities,
  };
}

/** The peer as the enforcer sees it: an address, and whom peers.json says it belongs to. */
const seen = (peer: UnitEnd | NetworkEnd, peers: Opened['peers']): UnitEnd | NetworkEnd => {
  const { address } = peer;
  if (peer.kind === 'network' || address === undefined) return peer;
  const known = peers.find(one => one.addresses.includes(address));
  return known
    ? { kind: 'processing unit', namespace: known.namespace, tags: known.tags, address }
    : { kind: 'network', address };
};

test('the corpus has at least 150 cases', () => {
  expect(corpus.flatMap(({ cases }) => cases).length).toBeGreaterThanOrEqual(150);
});

describe.each(corpus)('$file: $topic', ({ entries, cases }) => {
  const view = viewOf(entries);
  const policies = policiesOf(view);

  test.each(cases)('$note ($from to $to on $on)', one => {
    const decision = evaluate(one.flow, policies);
    expect(said(decision.source), 'source').toEqual(expected(one, 'source'));
    expect(said(decision.destination), 'destination').toEqual(expected(one, 'destination'));
    expect(decision.verdict, 'both ends').toBe(one.verdict);
  });

  test('an opened bundle of each namespace decides the same for the same reasons', async () => {
    const repository = await TestRepository.make();
    const bundles = new Map<NamespacePath, Promise<Opened>>();
    const bundleOf = (path: NamespacePath): Promise<Opened> => {
      const known = bundles.get(path) ?? opened(repository, view, path);
      bundles.set(path, known);
      return known;
    };
    for (const { flow, note } of cases) {
      const whole = evaluate(flow, policies);
      const { from, to, traffic } = flow;
      if (from.kind === 'processing unit') {
        const { model, peers } = await bundleOf(from.namespace);
        const alone = decide(model.at(from.namespace), 'source', from, seen(to, peers), traffic);
        expect(alone, note).toEqual(whole.source);
      }
      if (to.kind === 'processing unit') {
        const { model, peers } = await bundleOf(to.namespace);
        const alone = decide(model.at(to.namespace), 'destination', to, seen(from, peers), traffic);
        expect(alone, note).toEqual(whole.destination);
      }
    }
  });
});

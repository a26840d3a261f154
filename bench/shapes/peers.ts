import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { newEnforcer, newModelFromString } from 'casbin';
import { type Decided, PORT } from './flows.ts';

/** Decides the destination's side of a flow: may label `from` connect to label `to`? */
export type Peer = (from: number, to: number) => boolean;

/** Cedar: one policy for each ruleset, labels as groups that units are in. Policies are parsed before. */
export function cedar({ policies }: Decided): Peer {
  const text = policies
    .map(
      ({ subject, object }) =>
        `permit(principal in Label::"${object}", action == Action::"connect", resource in Label::"${subject}") when { context.protocol == 6 && context.port == ${PORT} };`,
    )
    .join('\n');
  const parsed = preparsePolicySet('bench', { staticPolicies: text });
  if (parsed.type !== 'success') throw new Error('cedar did not take the policies');
  const unit = (id: string, label: number) => ({
    uid: { type: 'Unit', id },
    attrs: {},
    parents: [{ type: 'Label', id: String(label) }],
  });
  return (from, to) => {
    const answer = statefulIsAuthorized({
      principal: { type: 'Unit', id: 'from' },
      action: { type: 'Action', id: 'connect' },
      resource: { type: 'Unit', id: 'to' },
      context: { protocol: 6, port: PORT },
      preparsedPolicySetId: 'bench',
      entities: [unit('from', from), unit('to', to)],
    });
    return answer.type === 'success' && answer.response.decision === 'allow';
  };
}

const CASBIN = `
[request_definition]
r = sub, obj, protocol, port
[policy_definition]
p = sub, obj, protocol, port
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.protocol == p.protocol && r.port == p.port
`;

/** Casbin: one policy line for each ruleset. */
export async function casbin({ policies }: Decided): Promise<Peer> {
  const enforcer = await newEnforcer(newModelFromString(CASBIN));
  const label = (number: number) => `app=${number}`;
  await enforcer.addPolicies(
    policies.map(({ subject, object }) => [label(object), label(subject), 'tcp', String(PORT)]),
  );
  return (from, to) => enforcer.enforceSync(label(from), label(to), 'tcp', String(PORT));
}

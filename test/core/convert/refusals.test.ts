import { describe, expect, it } from 'vitest';
import { convert } from '../../../shared/core/convert/convert.ts';
import type { LegacyExport } from '../../../shared/schema/conversion.ts';
import { Failure } from '../../../shared/schema/failure.ts';

const exportOf = (data: LegacyExport['data']): LegacyExport => ({
  APIVersion: 1,
  label: '',
  identities: [],
  data,
});

const refusal = (data: LegacyExport['data'], ancestors: LegacyExport['data'][] = []): string => {
  try {
    convert(exportOf(data), { ancestors: ancestors.map(exportOf) });
  } catch (error) {
    if (error instanceof Failure) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return 'none';
};

const many = <T>(count: number, make: (number: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

describe('a conversion refuses', () => {
  const good = { name: 'p', subject: [['app=a']], object: [['app=b']] };

  it.each([
    ['ports', { ports: ['tcp'] }, 'netpols[1].ports.0'],
    ['an action', { action: 'Drop' }, 'netpols[1].action'],
    ['a tag', { object: [['app']] }, 'netpols[1].object.0.0'],
    ['a name', { name: '' }, 'netpols[1].name'],
    ['an expression', { subject: 'app=a' }, 'netpols[1].subject'],
  ])('%s that it cannot read, and says where it stands', (_, wrong, at) => {
    expect(refusal({ netpols: [good, { ...good, ...wrong }] })).toMatch(
      `invalid: Attribute 'data.${at}' is wrong: `,
    );
    expect(refusal({}, [{ netpols: [good, { ...good, ...wrong }] }])).toMatch(`'data.${at}' is wrong`);
  });

  it('what would take for ever, or fill the memory', () => {
    const networks = (servicePorts: (at: number) => string[]) =>
      many(1000, at => ({ name: `n${at}`, entries: ['10.0.0.0/8'], servicePorts: servicePorts(at) }));
    const toAll = many(60, () => ({ ...good, object: [['$identity=externalnetwork']] }));
    expect(
      refusal({ externalnetworks: networks(at => [`tcp/${at}`]), networkaccesspolicies: toAll }),
    ).toMatch(/^too_large: the rules would name single external networks more than/);
    const ports = many(4000, at => `tcp/${at * 2}`);
    expect(
      refusal({
        externalnetworks: networks(() => ports).slice(0, 2),
        networkaccesspolicies: [{ ...good, ports, object: [['$identity=externalnetwork']] }],
      }),
    ).toMatch(/^too_large: the policies name too many external networks and ports/);
  });
});

describe('a conversion takes', () => {
  it('null for what is not said, as old files have it', () => {
    const { export: converted } = convert(
      exportOf({
        networkaccesspolicies: [
          { name: 'p', subject: [['app=a']], object: [['app=a']], ports: null, namespace: null },
        ],
      }),
    );
    expect(converted.data.networkrulesetpolicies).toMatchObject([{ name: 'p', subject: [['app=a']] }]);
  });

  it('names of 256 characters, and keeps those that it makes within them', () => {
    const name = 'x'.repeat(256);
    const policy = { name, subject: [['app=a']], object: [['app=b']] };
    const { export: converted } = convert(exportOf({ networkaccesspolicies: [policy, policy] }));
    const names = (converted.data.networkrulesetpolicies ?? []).map(ruleset => String(ruleset.name));
    expect(new Set(names).size).toBe(4);
    expect(names.map(one => one.length)).toEqual([256, 256, 256, 256]);
  });
});

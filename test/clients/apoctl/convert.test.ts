import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { convert } from '../../../shared/core/convert/convert.ts';
import { LegacyExport } from '../../../shared/schema/conversion.ts';
import { type Terminal, terminal } from './terminal.ts';

let user: Terminal;
beforeEach(async () => {
  // Nobody listens there: a conversion asks nobody.
  user = await terminal({ APOCTL_API: 'http://127.0.0.1:9' });
  return () => user.leave();
});

const group = `APIVersion: 0
label: shop
data:
  networkaccesspolicies:
    - name: dns
      applyPolicyMode: OutgoingTraffic
      subject: [["$identity=processingunit"]]
      object: [["externalnetwork:name=dns"]]
      ports: [udp/53]
      expirationTime: 2030-01-01T00:00:00.000Z
`;
const tenant = `APIVersion: 1
data:
  externalnetworks:
    - {name: dns, entries: [192.0.2.53/32], associatedTags: ["externalnetwork:name=dns"], propagate: true, servicePorts: [udp/53]}
`;

describe('apoctl convert', () => {
  test('makes of an export what the converter makes of it, and tells what is lost', async () => {
    const above = join(user.home, 'tenant.yaml');
    await writeFile(above, tenant);
    user.stdin = group;
    const { code, out, err } = await user.type('convert', '-f', '-', '--ancestor', above, '--suffix=-v2');
    expect(code).toBe(0);
    const options = { ancestors: [LegacyExport.parse(parse(tenant))], suffix: '-v2' };
    const { export: made, findings } = convert(LegacyExport.parse(parse(group)), options);
    expect(parse(out)).toEqual(JSON.parse(JSON.stringify(made)));
    expect(made.data.networkrulesetpolicies?.[0]?.name).toBe('dns-v2');
    const told = findings.map(({ effect, message }) =>
      expect.stringContaining(`${effect}: networkaccesspolicy dns in .: ${message}`),
    );
    expect(told.length).toBeGreaterThan(0);
    expect(err.trim().split('\n')).toEqual(told);
  });

  test('prints JSON where it is asked to', async () => {
    user.stdin = group;
    const { out } = await user.type('convert', '-f', '-', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ APIVersion: 1, label: 'shop' });
  });

  test.each([
    ['a: 1', 1, 'standard input is no export'],
    [`${group}---\n${group}`, 1, 'holds 2 documents; convert them one by one'],
    ['data: {networkaccesspolicies: [{name: x, subject: 3}]}', 1, 'subject'],
  ])('refuses %j', async (text, status, why) => {
    user.stdin = text;
    const { code, err } = await user.type('convert', '-f', '-');
    expect([code, err.replaceAll('\n', ' ')]).toEqual([status, expect.stringContaining(why)]);
  });
});

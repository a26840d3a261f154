import { describe, expect, it } from 'vitest';
import { sourcesOf } from '../../functions/probe-doubts.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { make } from '../make/objects.ts';

const unit = (type: string, addresses: readonly string[]) =>
  make('processingunit', NamespacePath.parse('/acme'), { name: 'unit', type, addresses });

describe('what the other end of a probe may know a host by', () => {
  const host = unit('Host', ['10.0.0.1', '10.0.0.2', '2001:db8::1']);
  const container = unit('Docker', ['10.1.0.1']);
  const service = unit('LinuxService', ['10.0.0.9']);

  it('is the host itself with each address of the family, and what has the address that it tells', () => {
    const v4 = ['10.0.0.1', '10.0.0.2'];
    expect(sourcesOf([container, host, service], '10.0.0.1', '10.0.0.7')).toEqual([v4[0], host.ID, v4[1]]);
    expect(sourcesOf([host, service], '10.0.0.9', '10.0.0.7')).toEqual([
      ...['10.0.0.9', service.ID, host.ID],
      ...v4,
    ]);
    expect(sourcesOf([host], '2001:db8::1', '2001:db8::7')).toEqual(['2001:db8::1', host.ID]);
  });

  it('is never more than may be read for each probe, and begins with what it tells', () => {
    const many = Array.from({ length: 32 }, (_, at) => `10.2.0.${at + 1}`);
    const units = [unit('Host', many), ...many.map(address => unit('Host', [address])), container];
    const sources = sourcesOf(units, '10.1.0.1', '10.0.0.7');
    expect(sources.slice(0, 2)).toEqual(['10.1.0.1', container.ID]);
    expect(sources).toHaveLength(40);
  });
});

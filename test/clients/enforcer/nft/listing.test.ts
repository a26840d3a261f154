import { expect, test } from 'vitest';
import { ListingReader } from '../../../../clients/enforcer/nft/listing.ts';

const LISTED = `table inet prisma {
	map stamp {
		type mark : mark
		elements = { 0x00000000 : 0x0f6f8778, 0x00000001 : 0x0e21840d, 0x00000002 : 0x0987aa1f, 0x00000003 : 0x05d74a93,
			     0x00000007 : 0x0e473464, 0x00000008 : 0x00000009 }
	}

	set fresh4 {
		type ipv4_addr
	}

	set tally {
		type classid
		counter
		elements = { 2:f7da counter packets 3 bytes 180, c:fed4 counter }
	}

	map n4_1_in {
		type ipv4_addr : verdict
		flags interval
		elements = { 10.0.0.0/8 : goto c_1, 192.0.2.1 : accept,
			     192.0.2.5-192.0.2.9 : goto c_2 }
	}

	map p6_1 {
		type ipv6_addr : classid
		elements = { 2001:db8::1 : 1a2b:3 }
	}

	chain hook_in {
		type filter hook input priority 0; policy drop;
		iif "lo" accept
		goto side_in
	}

	chain empty {
	}
}
`;

const read = (text: string) => {
  const reader = new ListingReader();
  for (const line of text.split('\n')) reader.line(line);
  return reader.listing;
};

test('a listing of nft is read as what the model has', () => {
  const { chains, maps, counters, digest, epoch } = read(LISTED);
  expect(epoch).toBe(9);
  expect(digest).toBe(`f6f8778e21840d987aa1f5d74a93${'0'.repeat(21)}e473464`);
  expect([...chains].map(([name, { rules }]) => [name, rules])).toEqual([
    ['hook_in', 2],
    ['empty', 0],
  ]);
  expect(counters.get('2:f7da')).toEqual({ packets: 3, bytes: 180 });
  expect(counters.get('c:fed4')).toEqual({ packets: 0, bytes: 0 });
  expect(maps.get('n4_1_in')).toMatchObject({ interval: true });
  expect([...(maps.get('n4_1_in')?.elements ?? [])]).toEqual([
    ['10.0.0.0-10.255.255.255', 'goto c_1'],
    ['192.0.2.1', 'accept'],
    ['192.0.2.5-192.0.2.9', 'goto c_2'],
  ]);
  expect([...(maps.get('p6_1')?.elements ?? [])]).toEqual([['2001:db8:0:0:0:0:0:1', '1a2b:3']]);
});

test('any other rule, and any other order of rules, is another digest', () => {
  const digestOf = (text: string) => read(text).chains.get('hook_in')?.digest;
  const plain = digestOf(LISTED);
  expect(digestOf(LISTED.replace('iif "lo" accept', 'iif "eth0" accept'))).not.toBe(plain);
  const swapped = LISTED.replace(
    '\t\tiif "lo" accept\n\t\tgoto side_in',
    '\t\tgoto side_in\n\t\tiif "lo" accept',
  );
  expect(digestOf(swapped)).not.toBe(plain);
});

test('what nobody wrote is refused', () => {
  expect(() => read('Error: nothing')).toThrow('not understood');
});

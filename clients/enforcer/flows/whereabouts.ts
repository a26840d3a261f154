import { PeerList } from '../../../shared/core/peer-list.ts';
import type { PeersPayload } from '../../../shared/schema/bundle.ts';
import type { NamespacePath, ObjectId } from '../../../shared/schema/ids.ts';
import { AddressTable } from '../policy/address-table.ts';
import { singleAddress } from '../policy/addresses.ts';

/** Bytes of an ID. */
const LENGTH = 12;
/** Entries of peers that went are kept until they are that many times the others. */
const STALE = 2;

/** Who has an address, for as many peers as there are, and in little memory. Follows the list from one bundle to the next. */
export class Whereabouts {
  #list: PeerList | undefined;
  /** Address → number of its entry and one; 0: nobody has it any more. */
  #at = new AddressTable();
  /** Addresses that more than one had: while a tenant is in motion. */
  readonly #shared = new Set<string>();
  #ids = Buffer.alloc(0);
  #places = new Uint32Array(0);
  #count = 0;
  readonly #namespaces = new Map<NamespacePath, number>();
  readonly #paths: NamespacePath[] = [];

  follow(payload: PeersPayload): void {
    const list = PeerList.of(payload);
    if (list === this.#list) return;
    const changes = this.#list && list.since(this.#list);
    this.#list = list;
    const isFull = changes && this.#count + changes.come.length > STALE * (list.size + LENGTH);
    const isShared = changes?.gone.some(({ addresses }) =>
      keys(addresses).some(one => this.#shared.has(one)),
    );
    if (!changes || isFull || isShared) this.#begin(list);
    else {
      for (const { addresses } of changes.gone) for (const text of keys(addresses)) this.#at.set(text, 0);
      for (const peer of changes.come) this.#add(peer);
    }
  }

  find(address: string): { ID: ObjectId; namespace: NamespacePath } | undefined {
    const text = singleAddress(address)?.text;
    const entry = (text === undefined ? 0 : (this.#at.get(text) ?? 0)) - 1;
    const namespace = this.#paths[this.#places[entry] ?? 0];
    if (entry < 0 || namespace === undefined) return undefined;
    const ID = this.#ids.toString('hex', entry * LENGTH, (entry + 1) * LENGTH) as ObjectId;
    return { ID, namespace };
  }

  #begin(list: PeerList): void {
    this.#at = new AddressTable();
    this.#shared.clear();
    this.#count = 0;
    for (const peer of list) this.#add(peer);
  }

  #add({ ID, namespace, addresses }: PeersPayload['identities'][number]): void {
    const entry = this.#count++;
    if (entry >= this.#places.length) this.#grow(entry);
    this.#ids.write(ID, entry * LENGTH, 'hex');
    this.#places[entry] = this.#placeOf(namespace);
    for (const text of keys(addresses)) {
      if (this.#at.get(text)) this.#shared.add(text);
      this.#at.set(text, entry + 1);
    }
  }

  #grow(entries: number): void {
    const room = Math.max(64, entries * 2);
    const [ids, places] = [Buffer.alloc(room * LENGTH), new Uint32Array(room)];
    this.#ids.copy(ids);
    places.set(this.#places);
    this.#ids = ids;
    this.#places = places;
  }

  #placeOf(namespace: NamespacePath): number {
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) return known;
    const place = this.#paths.push(namespace) - 1;
    this.#namespaces.set(namespace, place);
    return place;
  }
}

const keys = (addresses: readonly string[]): string[] =>
  addresses.flatMap(address => singleAddress(address)?.text ?? []);

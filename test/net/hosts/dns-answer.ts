import { type Answer, decode, encode } from 'dns-packet';
import type { Zone } from './dns.ts';

function answersTo(zone: Zone, name: string, type: string): Answer[] {
  const found = zone[name.toLowerCase()];
  if (!found) return [];
  if ('alias' in found)
    return [
      { type: 'CNAME', name, ttl: found.ttl, data: found.alias },
      ...answersTo(zone, found.alias, type),
    ];
  return found.addresses
    .filter(address => address.includes(':') === (type === 'AAAA'))
    .map(data => ({ type: type === 'AAAA' ? 'AAAA' : 'A', name, ttl: found.ttl, data }));
}

const NO_SUCH_NAME = 3;

/** What a server with that zone says to a question; undefined to what is none. */
export function answer(message: Buffer, zone: Zone): Buffer | undefined {
  try {
    const { id = 0, questions = [] } = decode(message);
    const [question] = questions;
    if (!question) return undefined;
    const answers = answersTo(zone, question.name, question.type);
    const flags = zone[question.name.toLowerCase()] === undefined ? NO_SUCH_NAME : 0;
    return encode({ type: 'response', id, flags, questions, answers });
  } catch {
    return undefined;
  }
}

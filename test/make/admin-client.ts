import { credentialTokens, persistent } from '../../clients/enforcer/agent/session.ts';
import type { Clock } from '../../clients/enforcer/clock.ts';
import { type Client, createClient } from '../../shared/api/client.ts';
import type { Credential } from '../../shared/schema/appcredential.ts';

/** A client of every operation that goes on, as agents do, when the clock jumps. */
export const adminClient = (credential: Credential, clock: Clock): Client =>
  persistent(credentialTokens(credential, clock), token => createClient({ api: credential.APIURL, token }));

import { enforcer } from '../schema/enforcer.ts';
import {
  EnforcerCredentials,
  PokeParameters,
  PreflightAnswer,
  PreflightRequest,
  PresetAnswer,
  PresetRequest,
  RegistrationAnswer,
  RegistrationRequest,
  UnitPokeParameters,
} from './enforcer-messages.ts';
import { SAY, WRITE } from './fails.ts';
import type { Route } from './route.ts';

/** What agents do beside CRUD. */
export const enforcerRoutes = {
  pokeEnforcer: {
    method: 'GET',
    path: '/enforcers/{id}/poke',
    group: 'enforcers',
    summary: 'Says that the enforcer is alive, and what has become of it: its status, version and bundle.',
    allow: { identity: 'enforcer', verb: 'put' },
    query: PokeParameters,
    fails: SAY,
  },
  pokeProcessingUnit: {
    method: 'GET',
    path: '/processingunits/{id}/poke',
    group: 'enforcers',
    summary: 'Says that a processing unit is still there, and what has become of it.',
    allow: { identity: 'processingunit', verb: 'put' },
    query: UnitPokeParameters,
    fails: SAY,
  },
  registerEnforcer: {
    method: 'POST',
    path: '/registrations',
    group: 'enforcers',
    summary:
      'Trades an install token for an enforcer of its own: the one that the machine had, or a new one.',
    allow: 'everybody',
    input: RegistrationRequest,
    takes: ['dryRun'],
    ok: RegistrationAnswer,
    fails: WRITE,
  },
  createPreflight: {
    method: 'POST',
    path: '/preflights',
    group: 'enforcers',
    summary: 'Judges whether an agent can be installed on a host in the namespace, check by check.',
    allow: { identity: 'preflight', verb: 'post' },
    input: PreflightRequest,
    ok: PreflightAnswer,
    fails: [...SAY, 'invalid', 'too_large', 'unsupported_media_type'],
  },
  applyPreset: {
    method: 'POST',
    path: '/enforcerprofilepresets',
    group: 'enforcers',
    summary: 'Makes a profile and its mapping that belong together, once.',
    allow: { identity: 'enforcerprofile', verb: 'post' },
    input: PresetRequest,
    ok: PresetAnswer,
    fails: WRITE,
  },
  revokeEnforcer: {
    method: 'DELETE',
    path: '/enforcers/{id}/certificate',
    group: 'enforcers',
    summary: 'Revokes the certificate of an enforcer, and every token that it got with it.',
    allow: { identity: 'enforcer', verb: 'delete' },
    ok: enforcer.stored,
    fails: WRITE,
  },
  createEnforcerCredentials: {
    method: 'POST',
    path: '/enforcers/{id}/credentials',
    group: 'enforcers',
    summary: "Gets short-lived read access to the bundle of the enforcer's namespace.",
    allow: { identity: 'enforcercredential', verb: 'post' },
    ok: EnforcerCredentials,
    fails: SAY,
  },
} as const satisfies Record<string, Route>;

import type { z } from 'zod';
import { apiauthorizationpolicy } from './apiauthorizationpolicy.ts';
import { appcredential } from './appcredential.ts';
import { cloudaccount } from './cloudaccount.ts';
import { enforcer } from './enforcer.ts';
import { enforcerprofile } from './enforcerprofile.ts';
import { enforcerprofilemappingpolicy } from './enforcerprofilemappingpolicy.ts';
import { enforcerrelease } from './enforcerrelease.ts';
import { enforcerupgrade, upgradebatch } from './enforcerupgrade.ts';
import { externalnetwork } from './externalnetwork.ts';
import { hostservice } from './hostservice.ts';
import { hostservicemappingpolicy } from './hostservicemappingpolicy.ts';
import { importlabel, importRun, importrights } from './import.ts';
import { importreference } from './importreference.ts';
import { installtoken } from './installtoken.ts';
import { namespace } from './namespace.ts';
import { namespacemappingpolicy } from './namespacemappingpolicy.ts';
import { networkaccesspolicy } from './networkaccesspolicy.ts';
import { networkrulesetpolicy } from './networkrulesetpolicy.ts';
import { oidcprovider } from './oidcprovider.ts';
import { processingunit } from './processingunit.ts';
import type { AnyResource } from './resource.ts';

/** Every resource. Routes, stores, OpenAPI, the client and the command line follow from it. */
const nouns = {
  apiauthorizationpolicy,
  appcredential,
  cloudaccount,
  enforcer,
  enforcerprofile,
  enforcerprofilemappingpolicy,
  enforcerrelease,
  externalnetwork,
  hostservice,
  hostservicemappingpolicy,
  importreference,
  installtoken,
  namespace,
  namespacemappingpolicy,
  networkaccesspolicy,
  networkrulesetpolicy,
  oidcprovider,
  processingunit,
} as const;

/** What the control plane keeps for itself: stored as all resources are, and written by nobody through CRUD. */
const records = { enforcerupgrade, import: importRun, importlabel, importrights, upgradebatch } as const;

export const resources = { ...nouns, ...records } as const;

/** Anything that is stored. */
export type Identity = keyof typeof resources;
/** What has CRUD. */
export type Noun = keyof typeof nouns;
/** The stored object of a resource. */
export type ObjectOf<I extends Identity> = z.infer<(typeof resources)[I]['stored']>;
/** What a create of a resource holds after parsing. */
export type InputOf<I extends Identity> = z.infer<(typeof resources)[I]['input']>;

export const identities = Object.keys(nouns).sort() as Noun[];
export const everyIdentity = Object.keys(resources).sort() as Identity[];

export const resourceOf = (identity: Identity): AnyResource => resources[identity];

const names = new Map<string, Noun>(
  identities.flatMap(identity => {
    const { plural, aliases } = resourceOf(identity);
    return [identity, plural, ...aliases].map(name => [name, identity] as const);
  }),
);

/** Singular, plural or alias, in any case → identity. Undefined when it names nothing. */
export const identityNamed = (name: string): Noun | undefined => names.get(name.toLowerCase());

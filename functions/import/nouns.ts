import { authorizations } from '../api/authorizations.ts';
import { enforcers } from '../api/enforcers.ts';
import { legacy } from '../api/legacy.ts';
import { namespaces } from '../api/namespaces.ts';
import { policies } from '../api/policies.ts';
import type { Nouns } from './apply.ts';

/** The operations that an import is made of. */
export const nouns: Nouns = { ...namespaces, ...policies, ...enforcers, ...authorizations, ...legacy };

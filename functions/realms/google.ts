import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { verifyIdentityToken } from './identity-token.ts';
import { type Proven, present } from './proven.ts';

const ISSUER = 'https://accounts.google.com';
const KEYS = 'https://www.googleapis.com/oauth2/v3/certs';

/** Of a token that the metadata server of an instance gives with `format=full`. */
const Claims = z.object({
  email: z.string().optional(),
  email_verified: z.boolean().optional(),
  google: z
    .object({
      compute_engine: z
        .object({
          project_id: z.string().optional(),
          project_number: z.number().optional(),
          zone: z.string().optional(),
          instance_id: z.string().optional(),
          instance_name: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});

/** An identity token of a Google service account whose audience is this API's URL, or the one that is set up. */
export async function proveGoogle(token: string, deps: Deps): Promise<Proven> {
  const verified = await verifyIdentityToken(
    token,
    {
      realm: 'gcpidentitytoken',
      issuer: ISSUER,
      audience: deps.issuers.gcpAudience || deps.apiURL,
      algorithms: ['RS256'],
      source: { jwks: KEYS },
    },
    deps,
    // `azp` is the service account itself.
    false,
  );
  const { email, email_verified, google } = Claims.parse(verified);
  const instance = google?.compute_engine;
  return {
    principal: { realm: 'gcpidentitytoken', sub: verified.sub },
    data: present({
      email: email_verified ? email : undefined,
      projectid: instance?.project_id,
      projectnumber: instance?.project_number,
      zone: instance?.zone,
      instanceid: instance?.instance_id,
      instancename: instance?.instance_name,
    }),
  };
}

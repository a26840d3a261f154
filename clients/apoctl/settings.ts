import { parse } from 'yaml';
import { z } from 'zod';
import { Credential } from '../../shared/schema/appcredential.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { type Io, readText, readTextIfAny } from './io.ts';

export const DEFAULT_API = 'http://127.0.0.1:8080';

/** What may be said by flag, environment (`APOCTL_` + upper case) and profile file. */
const SETTINGS = ['api', 'namespace', 'token', 'creds', 'output'] as const;
type Layer = Partial<Record<(typeof SETTINGS)[number], string>>;

/** Global flags as they were given. */
export interface Flags extends Layer {
  /** Path of the profile file. */
  config?: string;
  /** Name of a profile: `~/.apoctl/<name>.yaml` and `~/.apoctl/<name>.creds`. */
  configName?: string;
}

export interface Settings {
  api: string;
  /** Undefined when nobody said one. */
  namespace: NamespacePath | undefined;
  output: string | undefined;
  /** The token that was given; it goes before the credential. */
  token: string | undefined;
  credential: Credential | undefined;
}

/** Profiles of the original have keys that mean nothing here; they are left alone. */
const Profile = z.object(Object.fromEntries(SETTINGS.map(name => [name, z.string().optional()])));

async function profileOf(io: Io, flags: Flags, name: string): Promise<Layer> {
  const said = flags.config || io.env.APOCTL_CONFIG;
  const path = said || `${io.home}/.apoctl/${name}.yaml`;
  const text = said ? await readText(io, said) : await readTextIfAny(path);
  if (text === undefined) return {};
  try {
    return Profile.parse(parse(text) ?? {}) as Layer;
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw fail('invalid', `the profile ${path} cannot be used: ${reason.split('\n').slice(0, 2).join(' ')}`);
  }
}

/** Reads an app credential as the API gave it out; `-` is standard input. */
export async function readCredential(io: Io, path: string): Promise<Credential> {
  const text = await readText(io, path);
  try {
    return Credential.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : 'it is not JSON';
    const from = path === '-' ? 'standard input' : path;
    throw fail('invalid', `${from} is not an app credential: ${reason.replaceAll('\n', ' ')}`);
  }
}

const checkedApi = (api: string): string => {
  if (!/^https?:$/.test(URL.parse(api)?.protocol ?? '')) {
    throw fail('bad_request', `the API's URL must be such as https://api.example.com, not \`${api}\``);
  }
  return api.replace(/\/+$/, '');
};

const checkedNamespace = (said: string): NamespacePath => {
  const result = NamespacePath.safeParse(said.replace(/(.)\/+$/, '$1'));
  if (!result.success) {
    throw fail(
      'bad_request',
      `the namespace must be \`/\` or a path such as /tenant/account/group, not \`${said}\``,
    );
  }
  return result.data;
};

/** What a command that gets a token wants otherwise than the rest. */
interface Wants {
  /** The credential to use, whatever is set elsewhere. */
  credential?: Credential | undefined;
  /** A token that lies about must not stand in for the one that is to be got. */
  newToken?: boolean;
}

/**
 * Settles every setting: a flag before the environment before the profile before the credential's own API and
 * namespace before the default. Of a token and a credential, the one that was said nearer wins; at the same place the
 * token.
 */
export async function settle(io: Io, flags: Flags, wants: Wants = {}): Promise<Settings> {
  const profileName = flags.configName || io.env.APOCTL_CONFIG_NAME || 'default';
  const environment: Layer = Object.fromEntries(
    SETTINGS.map(name => [name, io.env[`APOCTL_${name.toUpperCase()}`]]),
  );
  const layers = [flags, environment, await profileOf(io, flags, profileName)];
  const said = (name: keyof Layer) => layers.map(layer => layer[name]).find(value => value);

  const token = wants.newToken ? undefined : layers.find(layer => layer.token || layer.creds)?.token;
  const api = said('api');
  const namespace = said('namespace');
  const needed = !(token && api && namespace);
  const usual = `${io.home}/.apoctl/${profileName}.creds`;
  const credential =
    wants.credential ?? (needed ? await usedCredential(io, said('creds'), usual) : undefined);
  const place = namespace ?? credential?.namespace;
  return {
    api: checkedApi(api ?? (credential?.APIURL || DEFAULT_API)),
    namespace: place ? checkedNamespace(place) : undefined,
    output: said('output'),
    token,
    credential,
  };
}

async function usedCredential(
  io: Io,
  said: string | undefined,
  usual: string,
): Promise<Credential | undefined> {
  if (said) return readCredential(io, said);
  return (await readTextIfAny(usual)) === undefined ? undefined : readCredential(io, usual);
}

import type { CloudName } from './cloud.ts';

/** Well-known origins. By address: whoever answers the name could answer for the metadata service. */
const ORIGINS: Record<CloudName, string> = {
  aws: 'http://169.254.169.254',
  gcp: 'http://169.254.169.254',
  azure: 'http://169.254.169.254',
};

/** Milliseconds; the service is on the host, or there is none. */
const PATIENCE = 2000;
const LONGEST = 64 * 1024;

/** The text of a path of the metadata service. Rejects when it is not there, takes too long, or is too long. */
export type Ask = (path: string, headers?: Record<string, string>, method?: 'GET' | 'PUT') => Promise<string>;

export const askMetadata =
  (name: CloudName, origin = ORIGINS[name], send = fetch): Ask =>
  async (path, headers = {}, method = 'GET') => {
    const response = await send(`${origin}${path}`, {
      method,
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the metadata service answered ${path} with status ${response.status}`);
    if (text.length > LONGEST) throw new Error(`the metadata service answered ${path} with too much`);
    return text;
  };

/** `key=value` of what is known, under a cloud's prefix. Sorted. */
export const tagsOf = (prefix: string, values: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(values)
    .filter(([, value]) => (typeof value === 'string' || typeof value === 'number') && value !== '')
    .map(([key, value]) => `${prefix}${key.replace(/[= ]/g, '-')}=${String(value)}`)
    .sort();

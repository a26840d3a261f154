import { statSync } from 'node:fs';
import { NO_PROXIES } from './proxies.ts';
import type { RunSettings } from './settings.ts';

const isLoopback = (host: string): boolean => /^(localhost|127\.[\d.]+|\[::1\])$/.test(host);

/** What an agent runs with all the same, and somebody should mend: one sentence each. */
export function risksOf(
  { how, credentialFile }: Pick<RunSettings, 'how' | 'credentialFile'>,
  { urls, areUsed } = NO_PROXIES,
): string[] {
  const api = how.mode === 'appcred' ? how.credential.APIURL : how.api;
  const { protocol, hostname } = new URL(api);
  const mode = credentialFile && statSync(credentialFile, { throwIfNoEntry: false })?.mode;
  return [
    ...(urls.length > 0 && !areUsed
      ? ['the environment names a proxy, which is not asked; set NODE_USE_ENV_PROXY=1 as well, or unset it']
      : []),
    ...(protocol === 'http:' && !isLoopback(hostname)
      ? [
          `${api} is asked without TLS: whoever is on the way there reads this host's credential; give it a certificate`,
        ]
      : []),
    ...(mode && (mode & 0o077) !== 0
      ? [
          `others than its owner can read ${credentialFile}, and be this host to the control plane; chmod 600 it`,
        ]
      : []),
  ];
}

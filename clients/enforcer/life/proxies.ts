type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

/** Proxies that the environment names; Node asks through them where that says so as well. */
export interface Proxies {
  urls: readonly string[];
  areUsed: boolean;
}

export const NO_PROXIES: Proxies = { urls: [], areUsed: false };

/** Source: "Built-in proxy support" of Node's documentation. */
export function proxiesIn(environment: Environment): Proxies {
  const named = NAMES.map(name => environment[name] ?? '').filter(
    text => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
  );
  const areUsed =
    environment.NODE_USE_ENV_PROXY === '1' || /--use-env-proxy\b/.test(environment.NODE_OPTIONS ?? '');
  return { urls: [...new Set(named)], areUsed };
}

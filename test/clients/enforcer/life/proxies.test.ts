import { expect, test } from 'vitest';
import { proxiesIn } from '../../../../clients/enforcer/life/proxies.ts';

test.each<[string, Record<string, string>, string[], boolean]>([
  ['nothing', {}, [], false],
  [
    'a proxy that is used',
    { HTTPS_PROXY: 'http://p:3128', NODE_USE_ENV_PROXY: '1' },
    ['http://p:3128'],
    true,
  ],
  [
    'by an option of Node',
    { http_proxy: 'http://p:1', NODE_OPTIONS: '--use-env-proxy' },
    ['http://p:1'],
    true,
  ],
  ['one that is not', { HTTPS_PROXY: 'http://p:3128' }, ['http://p:3128'], false],
  [
    'both, once',
    { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://p:1', NODE_USE_ENV_PROXY: '1' },
    ['http://p:1'],
    true,
  ],
  ['no URL', { HTTPS_PROXY: 'p:3128', HTTP_PROXY: 'socks5://p', NODE_USE_ENV_PROXY: '1' }, [], true],
])('%s', (_, environment, urls, areUsed) => {
  expect(proxiesIn(environment)).toEqual({ urls, areUsed });
});

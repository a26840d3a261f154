import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { demo } from '../../local/demo.ts';
import type { Client } from '../../shared/api/client.ts';
import { CHROMIUM, FLAGS } from '../make/chromium.ts';
import { administratorOf, scratch, tokenOf } from '../make/process.ts';
import { quiet } from '../make/state-machine.ts';

const isThere = existsSync(CHROMIUM);
if (!isThere) process.stdout.write(`no ${CHROMIUM}: the page at /map is not tried; install chromium\n`);

const TENANT = '/826920578209172635';
const HOSTILE = `<img src=x onerror="document.title='taken'">&lt;b&gt;"'`;

describe.skipIf(!isThere)('the page at /map, in a browser, with the flows of the demo', () => {
  let folder: Awaited<ReturnType<typeof scratch>>;
  let plane: ControlPlane;
  let url: string;
  let token: string;
  let client: Client;
  let browser: Browser;
  /** What pages complained of, and what they asked others for. */
  const complaints: string[] = [];
  const foreign: string[] = [];
  /** Addresses of requests, in which no token may stand. */
  const asked: string[] = [];

  beforeAll(async () => {
    folder = await scratch();
    const data = join(folder.path, 'data');
    plane = await startControlPlane({ data, host: '127.0.0.1', port: 0, log: quiet });
    ({ url } = plane);
    await demo(plane, () => {});
    [token, client, browser] = await Promise.all([
      tokenOf(data),
      administratorOf(data),
      chromium.launch({ executablePath: CHROMIUM, args: FLAGS }),
    ]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await plane?.stop();
    await folder?.remove();
  });

  /** `refused`: the browser complains itself of answers that are refusals. */
  async function opened(
    fragment: string,
    options: Parameters<Browser['newPage']>[0] = {},
    refused = false,
  ): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    page.on('console', message => {
      if (refused && /status of 40[14]/.test(message.text())) return;
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('request', request => {
      asked.push(request.url());
      if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:'))
        foreign.push(request.url());
    });
    await page.goto(`${url}/map${fragment}`);
    return page;
  }
  const status = (page: Page) => page.locator('#status').innerText();
  const rows = (page: Page) => page.locator('#list tbody tr').allInnerTexts();
  /** A row of the table of flows, without its time. */
  const row = (text: string): string => text.split('\t').slice(0, 5).join(' | ').replaceAll('\n', '');

  it('asks for a token and a namespace, and shows who talked to whom, and what became of it', async () => {
    const page = await opened('');
    await page.locator('#token').fill(token);
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.locator('#namespace').fill(TENANT);
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect.poll(() => status(page)).toBe('6 nodes and 6 lines, of 9 flow records.');
    expect((await rows(page)).map(row)).toEqual([
      'internet | web-1 | tcp/22 +1 | allowed by rules, rejected by default action | 451',
      'web-1 | db-1 | tcp/22 +1 | allowed by rules, rejected by default action | 264',
      'bad-actors | web-1 | tcp/443 | rejected by rules | 18',
      'somewhere | db-1 | tcp/5432 | rejected by default action | 9',
      'corporate | web-1 | tcp/22 | allowed by rules | 6',
      'db-1 | internet | tcp/443 | rejected by default action | 3',
    ]);
    const looks = await page.locator('#list tbody .line').evaluateAll(all => all.map(one => one.className));
    expect(looks).toEqual([
      'line orange dashed',
      'line orange dashed',
      'line red',
      'line red dashed',
      'line green',
      'line red dashed',
    ]);
    expect(page.url()).toBe(`${url}/map#namespace=${encodeURIComponent(TENANT)}&window=1h`);
    await page.close();
  });

  it('takes both from the fragment, which the token leaves at once, and sends it in no address', async () => {
    const page = await opened(`#token=${token}&namespace=${TENANT}&recursive=false`);
    await expect.poll(() => status(page)).toBe('No flows in this window.');
    expect(page.url()).not.toContain('token');
    await page.getByLabel('Recursive').check();
    await expect.poll(() => rows(page)).toHaveLength(6);
    expect(asked.filter(one => one.includes(token.slice(0, 20)))).toEqual([]);
    await page.close();
  });

  it('tells by keyboard of a node its tags and flows, and of a line its policies and ports', async () => {
    const page = await opened(`#token=${token}&namespace=${TENANT}`);
    await expect.poll(() => rows(page)).toHaveLength(6);
    const panel = page.locator('#panel');
    await page.locator('#list').getByRole('button', { name: 'web-1' }).first().focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => panel.locator('h2').innerText()).toBe('web-1');
    expect(await panel.locator('.tags li').allInnerTexts()).toContain('app=web');
    expect(await panel.locator('.plain li').count()).toBe(4);
    await expect.poll(() => panel.innerText()).toContain('Newest flow records (7)');
    await panel.getByRole('button', { name: /^from bad-actors/ }).press('Enter');
    await expect.poll(() => panel.locator('h2').innerText()).toBe('bad-actors → web-1');
    const { body: rulesets } = await client.call('listNetworkrulesetpolicy', { namespace: TENANT });
    const web = rulesets.find(({ name }) => name === 'web')?.ID ?? 'none';
    const [policies, access] = await panel.locator('table').allInnerTexts();
    expect(policies).toContain(`${web}\tReject\tdestination\t18`);
    expect(access).toContain('tcp/443\t0\t18\t0');
    await page.keyboard.press('Escape');
    await expect.poll(() => panel.locator('h2').innerText()).toBe('Details');
    await page.close();
  });

  it('finds what is clicked in the drawing', async () => {
    const page = await opened(`#token=${token}&namespace=${TENANT}`);
    await expect.poll(() => rows(page)).toHaveLength(6);
    await page.locator('#group').selectOption('');
    await page.locator('#filter').fill('corporate');
    await expect.poll(() => rows(page)).toHaveLength(1);
    const box = await page.locator('#graph').boundingBox();
    const { x = 0, y = 0, width = 0, height = 0 } = box ?? {};
    await page.mouse.click(x + width / 2, y + height / 2);
    await expect.poll(() => page.locator('#panel h2').innerText()).toBe('corporate → web-1');
    await page.close();
  });

  it('filters by words of names, tags, ports and fates', async () => {
    const page = await opened(`#token=${token}&namespace=${TENANT}`);
    await expect.poll(() => rows(page)).toHaveLength(6);
    for (const [words, left] of [
      ['tcp/5432', 2],
      ['app=db tcp/22', 1],
      ['bad-actors rejected', 1],
      ['nobody', 0],
    ] as const) {
      await page.locator('#filter').fill(words);
      await expect.poll(() => rows(page), { message: words }).toHaveLength(left);
    }
    await page.locator('#filter').fill('');
    await page.locator('#verdict').selectOption('accepted');
    await expect.poll(() => rows(page)).toHaveLength(3);
    await page.close();
  });

  it('says what the API says went wrong, and asks for another token where that one is no good', async () => {
    const page = await opened(`#token=${token}&namespace=/nowhere`, {}, true);
    await expect.poll(() => status(page)).toContain('/nowhere');
    const stranger = await opened(`#token=none&namespace=${TENANT}`, {}, true);
    await stranger.locator('#token-dialog[open]').waitFor();
    await expect.poll(() => status(stranger)).toContain('token');
    await Promise.all([page.close(), stranger.close()]);
  });

  it('shows a hostile name as the text that it is, in narrow and dark as well', async () => {
    const body = { name: HOSTILE, type: 'Host' as const, associatedTags: [`note=${HOSTILE}`] };
    const { body: unit } = await client.call('createProcessingunit', { namespace: TENANT, body });
    const record = {
      action: 'Accept',
      sourceID: unit.ID,
      sourceType: 'ProcessingUnit',
      destinationID: HOSTILE,
      destinationName: HOSTILE,
      destinationType: 'ExternalNetwork',
      policyID: HOSTILE,
      ruleName: HOSTILE,
      policyNamespace: TENANT,
      namespace: TENANT,
      value: 1,
    };
    await client.call('createFlowReports', { namespace: TENANT, body: record });
    const page = await opened(`#token=${token}&namespace=${TENANT}&filter=onerror`, {
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
    });
    await expect.poll(() => rows(page)).toHaveLength(1);
    await page.locator('#list').getByRole('button', { name: HOSTILE }).first().click();
    await expect.poll(() => page.locator('#panel .tags').innerText()).toContain(`note=${HOSTILE}`);
    await page.locator('#panel .plain button').click();
    await expect.poll(() => page.locator('#panel table').first().innerText()).toContain(HOSTILE);
    for (const by of ['tag note', 'nothing']) await page.locator('#group').selectOption({ label: by });
    expect(await page.locator('img, b').count()).toBe(0);
    expect(await page.title()).toBe('App Dependency Map');
    const widths = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(widths).toEqual([390, 390]);
    await page.close();
  });

  it('complains of nothing and asks nobody else', () => {
    expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, FLAGS } from '../make/chromium.ts';
import { administratorOf, type Started, scratch, start, tokenOf } from '../make/process.ts';

const isThere = existsSync(CHROMIUM);
if (!isThere) process.stdout.write(`no ${CHROMIUM}: the page at /docs is not tried; install chromium\n`);

describe.skipIf(!isThere)('the page at /docs, in a browser', () => {
  let folder: Awaited<ReturnType<typeof scratch>>;
  let plane: Started;
  let url: string;
  let browser: Browser;
  let page: Page;
  /** What the page complained of, and what it asked others for. */
  const complaints: string[] = [];
  const foreign: string[] = [];

  beforeAll(async () => {
    folder = await scratch();
    plane = start(join(folder.path, 'data'), 0);
    ({ url } = await plane.listening);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('request', request => {
      const asked = request.url();
      if (!asked.startsWith(`${url}/`) && !asked.startsWith('data:')) foreign.push(asked);
    });
    await page.goto(`${url}/docs`);
  });
  afterAll(async () => {
    await browser?.close();
    await plane?.end('SIGKILL');
    await folder?.remove();
  });

  /** Waits until the search has left one group, and opens it. */
  const onlyGroup = async (name: string): Promise<void> => {
    const groups = page.locator('.opblock-tag');
    await expect
      .poll(() => groups.evaluateAll(all => all.map(one => one.getAttribute('data-tag'))))
      .toEqual([name]);
    if ((await groups.getAttribute('data-is-open')) === 'false') await groups.click();
  };

  it('shows the groups, complains of nothing and asks nobody else', async () => {
    await page.getByRole('link', { name: 'policies', exact: true }).waitFor();
    const { tags } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as { tags: unknown[] };
    expect(await page.locator('.opblock-tag-section').count()).toBe(tags.length);
    expect(await page.locator('.info .title').innerText()).toContain('Microseg');
    expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
  });

  it('finds an operation by words of its path, name and summary', async () => {
    await page.locator('.operation-filter-input').fill('flow allowed');
    await onlyGroup('policies');
    expect(await page.locator('.opblock-summary-path').allInnerTexts()).toEqual(['/decisions']);
  });

  it('tries an operation with a token', async () => {
    const client = await administratorOf(join(folder.path, 'data'));
    const { body } = await client.call('listAppcredential', { namespace: '/' });
    expect(body).toHaveLength(1);
    await page.locator('button.authorize').first().click();
    await page
      .locator('.auth-container input')
      .first()
      .fill(await tokenOf(join(folder.path, 'data')));
    await page.locator('.auth-container button[type=submit]').first().click();
    await page.locator('.btn-done').first().click();
    await page.locator('.operation-filter-input').fill('listAppcredential');
    await onlyGroup('authorizations');
    const operation = page.locator('#operations-authorizations-listAppcredential');
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('tr[data-param-name="X-Namespace"] input').fill('/');
    await operation.locator('button.execute').click();
    const answer = operation.locator('.live-responses-table');
    await answer.waitFor();
    expect(await answer.locator('tr.response .response-col_status').first().innerText()).toContain('200');
    expect(await answer.innerText()).toContain(body[0]?.ID);
    expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
  });
});

import { mkdirSync } from 'node:fs';
import t from 'tap';
import { entryRevision, isAutoSynced } from '@gitops/local';
import { chromium } from '@gitops/monitoring/chromium';
import { APP, Stack, until } from '../src/stack.ts';

// On-call's one click in a real browser. Our own build of Argo CD has no web pages, so this needs the program of a release.

// make exports it, empty where nobody gave it.
const program = process.env.ARGOCD ?? '';
const skip = program === '' ? 'needs web pages: ARGOCD=/path/to/argocd names the program of a release' : false;

t.test('History and rollback, Rollback, OK: the old version runs, and stays', { skip }, async (t) => {
  const stack = await Stack.open();
  const up = await stack.make('up', '--argocd', program);
  t.equal(up.code, 0, up.stderr);
  t.teardown(async () => stack.make('up', '--argocd', 'built'));
  const old = await stack.ship('10.2.0');
  const target = (await stack.application()).status?.history?.at(-1);
  if (target === undefined) throw new Error('no history');
  const main = await stack.ship('10.3.0');

  const { ARGOCD_ONCALL_PASSWORD: password = '', ARGOCD_SERVER: server = '' } = JSON.parse(
    (await stack.make('env', '--json')).stdout,
  ) as Record<string, string>;
  const home = t.testdir({});
  mkdirSync(home, { recursive: true });
  const browser = await chromium(t, home);
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  const calls: string[] = [];
  page.on('response', (response) => {
    const request = response.request();
    const { pathname } = new URL(request.url());
    if (request.method() !== 'GET' && pathname.startsWith('/api/v1/applications'))
      calls.push(`${request.method()} ${pathname} ${response.status()}`);
  });

  await page.goto(`http://${server}/login`);
  await page.fill('input[name=username]', 'on-call');
  await page.fill('input[name=password]', password);
  await page.getByRole('button', { name: 'Sign In' }).click();
  await page.waitForURL(/\/applications/);
  await page.goto(`http://${server}/applications/argocd/${APP}`);
  await page.getByRole('button', { name: 'History and rollback' }).click();
  // Newest first: the second one is the version before.
  const entry = page.locator('.application-deployment-history__item').nth(1);
  await entry.locator('.application-deployment-history__item-menu button').click();
  await page.locator('.argo-dropdown__content.opened').getByText('Rollback', { exact: true }).click();
  await page.locator('[qe-id=argo-popup-ok-button]').click();

  await until(`${old} is rolled out`, async () => ((await stack.isRolledOut(old)) ? true : undefined));
  const application = await stack.application();
  t.equal(isAutoSynced(application), false, 'auto-sync is off');
  t.equal(application.status?.sync?.status, 'OutOfSync');
  const [newest] = (application.status?.history ?? []).slice(-1);
  t.equal(newest === undefined ? '' : entryRevision(newest), entryRevision(target));
  t.same(
    calls,
    [`PUT /api/v1/applications/${APP} 200`, `POST /api/v1/applications/${APP}/rollback 200`],
    'the calls that 10-one-click.test.ts makes',
  );
  t.equal((await stack.make('resume', '--app', APP)).code, 0);
  t.equal(await stack.image(), main);
});

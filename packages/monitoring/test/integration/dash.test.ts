import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { notExported } from '../../src/contract/compare.ts';
import { chromium } from '../chromium.ts';
import { makeRequests, overload, root, sendGarbage, service } from '../helper.ts';
import { pageProblems } from '../look.ts';
import { prometheus } from '../prometheus.ts';

const run = promisify(execFile);

/** The program as make runs it, with a state folder of its own. */
async function dash(folder: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, PLATFORM_LOCAL_DIR: folder };
  const main = join(root, 'packages/monitoring/src/main.ts');
  return run(process.execPath, [main, 'dash', ...args], { env, maxBuffer: 1 << 26 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  );
}

interface Summary {
  readonly panels: readonly { readonly dashboard: string; readonly panel: string; readonly missing?: string }[];
}

t.test('the dashboards with data of a real Prometheus', { timeout: 240_000 }, async (t) => {
  const [calm, busy] = [await service(t), await service(t, { LOAD_SHEDDING: 'on', CACHE_MAX_BYTES: '0' })];
  const requests = setInterval(() => {
    makeRequests(calm.api).catch(() => undefined);
  }, 300);
  t.teardown(() => {
    clearInterval(requests);
  });
  await sendGarbage(calm.api);
  await overload(busy.api);
  const address = await prometheus(t, [calm.admin, busy.admin]);
  const folder = t.testdir({});

  const { code, stdout, stderr } = await dash(folder, '--address', address, '--duration', '1m');
  t.equal(code, 0, stderr);
  t.match(stdout, /^SERVICE +COURSE +NOW$/m);
  t.match(stdout, /^Pods +[▁▂▃▄▅▆▇█ ]{16} +2$/m);
  t.match(stdout, /^Requests by status .*404 \d/m);
  t.match(stdout, /written to .*dash\.html/);

  const json = JSON.parse((await dash(folder, '--address', address, '--duration', '1m', '--json')).stdout) as Summary;
  t.strictSame(
    json.panels.filter(({ missing }) => missing !== undefined),
    [],
    'every panel has data',
  );
  t.ok(json.panels.length > 60, `${json.panels.length} panels`);
  await lookAt(t, join(folder, 'dash.html'));

  const recorded = 'packages/monitoring/exported/prometheus.yaml';
  const answer = await (await fetch(`${address}/metrics`)).text();
  t.strictSame(notExported(root, recorded, [answer]), [], 'what is recorded of Prometheus, it exports');
});

t.test('where nothing is scraped, each panel says what is missing', { timeout: 120_000 }, async (t) => {
  const { admin } = await service(t);
  const address = await prometheus(t, [admin], { hasOthers: false });
  const folder = t.testdir({});
  const { code, stdout, stderr } = await dash(folder, '--address', address);
  t.equal(code, 0, stderr);
  t.match(stdout, /^Nodes +no data: no series of kube_node_info$/m);
  t.match(stdout, /^Not synced +no data: no series of argocd_app_info$/m, 'no zero where nobody counts');
  await lookAt(t, join(folder, 'dash.html'));
});

/** The page in a real browser at a laptop's width, in light and in dark. */
async function lookAt(t: Test, file: string): Promise<void> {
  const html = readFileSync(file, 'utf8');
  t.match(html, /This is not Grafana/);
  const readme = /href="([^"#]*)#what-is-real/.exec(html)?.[1] ?? '';
  t.ok(existsSync(join(file, '..', readme)), `the link to what is simulated leads to ${readme}`);
  const browser = await chromium(t, join(file, '..'));
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
    const [noise, requests]: [string[], string[]] = [[], []];
    page.on('console', (message) => noise.push(message.text()));
    page.on('pageerror', (error) => noise.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    const url = pathToFileURL(file).href;
    await page.goto(url);
    t.strictSame(await pageProblems(page), [], `${colorScheme}: nothing is hidden, cut, covered or hard to read`);
    t.strictSame(noise, [], `${colorScheme}: no message on the console`);
    t.strictSame(requests, [url], `${colorScheme}: nothing else is loaded`);
    if (process.env.SCREENSHOTS !== undefined)
      await page.screenshot({
        path: join(process.env.SCREENSHOTS, `${colorScheme}-${html.length}.png`),
        fullPage: true,
      });
    await page.close();
  }
}

t.test('without a Prometheus it says how to start one', async (t) => {
  const folder = t.testdir({});
  const next = /next: run `make up` and `make monitoring`, or give the ADDRESS of a Prometheus that runs elsewhere/;
  const none = await dash(folder);
  t.match(none, { code: 1, stderr: /error: no Prometheus runs on this machine/ });
  t.match(none.stderr, next);
  const closed = await dash(folder, '--address', 'http://127.0.0.1:9');
  t.match(closed, { code: 1, stderr: /Prometheus at http:\/\/127\.0\.0\.1:9 cannot be reached/ });
  const { api } = await service(t);
  const other = await dash(folder, '--address', api);
  t.match(other, { code: 1, stderr: /does not answer as a Prometheus does \(status 404\)/ });
  t.match(await dash(folder, '--address', 'somewhere'), { code: 2, stderr: /address: must be http:/ });
  t.match(await dash(folder, '--duration', '1x'), { code: 2, stderr: /duration: must be a time such as/ });
});

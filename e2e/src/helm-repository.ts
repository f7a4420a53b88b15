import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { LocalChart } from '@gitops/tools/charts';
import { run } from '@gitops/tools/run';
import type { Tools } from '@gitops/tools/tools';

/** A Helm repository on loopback, with charts as their releases would offer them. */
export interface HelmRepository {
  readonly url: string;
  close(): Promise<void>;
}

/** Packs the charts and serves them until it is closed. */
export async function serveCharts({ bin }: Pick<Tools, 'bin'>, charts: readonly LocalChart[]): Promise<HelmRepository> {
  const folder = mkdtempSync(join(tmpdir(), 'helm-repository-'));
  await run(join(bin, 'helm'), ['package', '--destination', folder, ...charts.map((chart) => chart.folder)]);
  const server = createServer(({ url = '' }, response) => {
    try {
      response.end(readFileSync(join(folder, basename(url))));
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await run(join(bin, 'helm'), ['repo', 'index', '--url', url, folder]);
  return {
    url,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

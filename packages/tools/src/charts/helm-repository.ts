import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../run.ts';

/** A Helm repository on loopback, for tests and drills: charts as their releases would offer them. */
export interface HelmRepository {
  readonly url: string;
  /** What was asked for so far: `/index.yaml`, `/name-1.0.0.tgz`. */
  readonly requests: readonly string[];
  /** Packs more charts. An existing version is packed again. */
  publish(folders: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Packs the charts and serves them until it is closed.
 * @param helm the program
 * @param folders of charts
 */
export async function serveCharts(helm: string, folders: readonly string[]): Promise<HelmRepository> {
  const folder = mkdtempSync(join(tmpdir(), 'helm-repository-'));
  const requests: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    requests.push(url);
    try {
      response.end(readFileSync(join(folder, basename(url))));
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const publish = async (charts: readonly string[]): Promise<void> => {
    if (charts.length > 0) await run(helm, ['package', '--destination', folder, ...charts]);
    await run(helm, ['repo', 'index', '--url', url, folder]);
  };
  await publish(folders);
  return {
    url,
    requests,
    publish,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As much of an OCI registry as a pull of one chart asks for. @returns its address, without a scheme */
export async function serveRegistry(
  repository: string,
  tag: string,
  archive: string,
): Promise<{ readonly address: string; close(): void }> {
  const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const layer = readFileSync(archive);
  const config = Buffer.from(JSON.stringify({ name: repository.split('/').at(-1), version: tag, apiVersion: 'v2' }));
  const descriptor = (mediaType: string, bytes: Buffer): object => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.cncf.helm.config.v1+json', config),
      layers: [descriptor('application/vnd.cncf.helm.chart.content.v1.tar+gzip', layer)],
    }),
  );
  const contents = new Map([
    [`/v2/${repository}/manifests/${tag}`, manifest],
    [`/v2/${repository}/manifests/${digestOf(manifest)}`, manifest],
    [`/v2/${repository}/blobs/${digestOf(config)}`, config],
    [`/v2/${repository}/blobs/${digestOf(layer)}`, layer],
  ]);
  const server = createServer(({ url = '', method }, response) => {
    const found = url === '/v2/' ? Buffer.from('{}') : contents.get(url);
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"NOT_FOUND"}]}');
      return;
    }
    response.writeHead(200, {
      'content-type': found === manifest ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream',
      'content-length': found.length,
      'docker-content-digest': digestOf(found),
    });
    response.end(method === 'HEAD' ? undefined : found);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { renderFleet } from '@gitops/manifests/fleet';
import type { KubernetesObject } from '@gitops/manifests/object';
import { startRenderer } from '@gitops/manifests/renderer';
import { SAMPLE_PULL_REQUEST } from '@gitops/manifests/sample-pull-request';
import { previewToken, previewURL, readClusters } from '@gitops/settings';
import { valueAt } from '@gitops/settings/yaml-file';
import { ensureTools, KUBERNETES_VERSION } from '@gitops/tools/tools';
import { synthesize } from '../src/app.ts';
import { repository, silent } from './platform-in-tests.ts';

// What CI and AWS know of previews, and what Argo CD deploys.

const clusters = readClusters(repository).filter(({ provider }) => provider === 'aws');
const stacks = synthesize(repository, join(t.testdir(), 'out'));
const renderer = startRenderer(await ensureTools(silent, { verify: false }));
const fleet = await renderFleet(renderer, repository, {
  clusters: clusters.map(({ name }) => name),
  capabilities: () => ({ kubeVersion: KUBERNETES_VERSION, apiVersions: [] }),
});
await renderer.close();

/** The objects of an Application of a cluster; none where there is no such Application. */
function objectsOf(cluster: string, application: string): readonly KubernetesObject[] {
  const entry = fleet.find(
    (candidate) => candidate.cluster.name === cluster && candidate.application.metadata.name === application,
  );
  return entry?.rendered.ok === true ? entry.rendered.value : [];
}

/** The name of the secret with GitHub's token, where the stacks of a cluster keep one. */
function tokensOf(cluster: string): string[] {
  const { folder = '' } = stacks.find(({ name }) => name === `${cluster}-cluster`) ?? {};
  const { resource } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as {
    resource: { aws_secretsmanager_secret: Readonly<Record<string, { name: string }>> };
  };
  return Object.values(resource.aws_secretsmanager_secret)
    .map(({ name }) => name)
    .filter((name) => name === previewToken(cluster));
}

t.test('a preview answers at the address that CI gives out', (t) => {
  const addresses = clusters.map((settings) => {
    const url = previewURL(settings, SAMPLE_PULL_REQUEST.number);
    const ingress = objectsOf(settings.name, `preview-${SAMPLE_PULL_REQUEST.number}`).find(
      ({ kind }) => kind === 'Ingress',
    );
    const ports = ingress?.metadata.annotations?.['alb.ingress.kubernetes.io/listen-ports'] ?? '';
    const host = String(valueAt(ingress, ['spec', 'rules', '0', 'host']));
    t.equal(url, ingress && `${ports.includes('HTTPS') ? 'https' : 'http'}://${host}`, settings.name);
    return url;
  });
  t.equal(addresses.filter((url) => url !== undefined).length, 1, 'one cluster has previews');
  t.end();
});

t.test("GitHub's token is read where it is kept, in clusters with previews alone", (t) => {
  for (const { name } of clusters) {
    const tokens = objectsOf(name, 'root').filter(
      ({ kind, metadata }) => kind === 'ExternalSecret' && metadata.name === 'github-pull-requests',
    );
    t.same(
      tokens.map((token) => valueAt(token, ['spec', 'data', '0', 'remoteRef', 'key'])),
      tokensOf(name),
      name,
    );
  }
  t.end();
});

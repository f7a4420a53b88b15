import { argocdValueFiles, clusterFacts, type ClusterSettings, rootValues } from '@gitops/settings';
import type { ChartName } from '@gitops/tools/charts';
import { ARGOCD_VERSION } from '@gitops/tools/tools';
import type { Application, Source } from './renderer.ts';

// What is installed into a cluster before Argo CD syncs anything, written as Applications so that it renders like them.

const application = (name: string, spec: Partial<Application['spec']>): Application => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name, namespace: 'argocd' },
  spec: { project: 'root', destination: { namespace: 'argocd' }, ...spec },
});

/** The chart argocd/root, as CDKTF or packages/local installs it. */
export function rootInstallation(cluster: ClusterSettings): Application {
  const facts = clusterFacts(cluster);
  const { repoURL, repoRevision } = facts.annotations;
  const parameters = Object.entries(rootValues(facts)).map(([name, value]) => ({ name, value, forceString: true }));
  return application('root', {
    source: { repoURL, targetRevision: repoRevision, path: 'argocd/root', helm: { parameters } },
  });
}

/** Argo CD's own chart, as CDKTF installs it. The cluster's Secret, which CDKTF adds, is left out. */
export function argocdInstallation(cluster: ClusterSettings, { repoURL, chart, version }: ChartName): Application {
  const { repoURL: home, repoRevision } = clusterFacts(cluster).annotations;
  const source: Source = {
    repoURL,
    chart,
    targetRevision: version,
    helm: {
      releaseName: 'argocd',
      valueFiles: argocdValueFiles(cluster.name).map((file) => `$values/${file}`),
      parameters: [{ name: 'global.image.tag', value: `v${ARGOCD_VERSION}`, forceString: true }],
    },
  };
  return application('argocd', { sources: [source, { repoURL: home, targetRevision: repoRevision, ref: 'values' }] });
}

import { clusterFacts, clusterSecret, type ClusterSettings, rootValues } from '@gitops/settings';
import type { Application } from './renderer.ts';

/** How the installation of argocd/root is called: it renders like an Application, and is none. */
export const INSTALLATION = 'root (installed)';

/**
 * The chart argocd/root, as CDKTF or packages/local installs it before Argo CD syncs anything: written as an
 * Application, so that it renders like one.
 */
export function rootInstallation(cluster: ClusterSettings): Application {
  const facts = clusterFacts(cluster);
  const { repoURL, repoRevision } = facts.annotations;
  const parameters = Object.entries(rootValues(facts)).map(([name, value]) => ({ name, value, forceString: true }));
  const valuesObject = { clusterSecret: clusterSecret(facts) };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: INSTALLATION, namespace: 'argocd' },
    spec: {
      project: 'root',
      destination: { namespace: 'argocd' },
      source: {
        repoURL,
        targetRevision: repoRevision,
        path: 'argocd/root',
        helm: { releaseName: 'root', parameters, valuesObject },
      },
    },
  };
}

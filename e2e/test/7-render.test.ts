import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labelOf, renderFleet, type FleetApplication } from '@platform/delivery/fleet';
import type { KubernetesObject } from '@platform/delivery/kubernetes-object';
import { startRenderer, type Application, type Source } from '@platform/delivery/renderer';
import { run } from '@platform/tools/run';
import t from 'tap';
import { Stack, until } from '../src/stack.ts';

const stack = await Stack.open();

/** By kind and name: repo-server and the harness need not list them in the same order. */
const sorted = (objects: readonly KubernetesObject[]): KubernetesObject[] => [...objects].sort((a, b) => `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`));

/** The Application under a name of its own, read from the stack's Git and never synced. */
function probe({ cluster, application }: FleetApplication): Application {
  const here = (source: Source): Source => ({ ...source, repoURL: stack.gitURL });
  const { project, destination, source, sources } = application.spec;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: `render-${cluster.name}-${application.metadata.name}`, namespace: 'argocd' },
    spec: { project, destination, ...(source === undefined ? {} : { source: here(source) }), ...(sources === undefined ? {} : { sources: sources.map(here) }) },
  };
}

/** Of Kubernetes itself or of Argo CD; the other operators' kinds are not installed here. */
const isKnownHere = ({ apiVersion }: KubernetesObject): boolean => !apiVersion.includes('.') || /^[a-z0-9.]+\.k8s\.io\//.test(apiVersion) && !apiVersion.startsWith('gateway.') || apiVersion.startsWith('argoproj.io/');

t.test('a real API server accepts every object of every cluster, strictly and without a warning', async (t) => {
  const renderer = startRenderer(stack.tools);
  try {
    const capabilities = await until('what Argo CD knows of its cluster', async () => stack.admin.capabilities());
    for (const entry of await renderFleet(renderer, stack.instance.root, { capabilities: () => capabilities })) {
      if (!entry.rendered.ok) throw new Error(`${labelOf(entry)}: ${entry.rendered.error}`);
      const objects = entry.rendered.value.filter(isKnownHere);
      const { stdout, stderr } = await stack.dryRun(objects, entry.application.spec.destination.namespace ?? '');
      t.equal(stdout.trim().split('\n').length, objects.length, `${labelOf(entry)}: ${objects.length} objects`);
      t.equal(stderr, '', `${labelOf(entry)}: no warning`);
    }
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'x', image: 'x', readinessProb: {} }] } } } };
    await t.rejects(stack.dryRun([deployment], 'fastify-service'), /unknown field .*readinessProb/, 'and refuses what it does not know');
  } finally {
    await renderer.close();
  }
});

t.test('what the harness renders is what repo-server renders, for every application of every cluster', async (t) => {
  // main as Argo CD sees it, not the work tree: other drills have pushed to it.
  const clone = mkdtempSync(join(tmpdir(), 'render-'));
  const renderer = startRenderer(stack.tools);
  try {
    await run('git', ['clone', '--quiet', stack.gitURL, clone]);
    const capabilities = await until('what Argo CD knows of its cluster', async () => stack.admin.capabilities());
    t.match(capabilities.kubeVersion, /^v?1\.36/);
    t.ok(capabilities.apiVersions.includes('apps/v1/Deployment'), 'the cluster tells its APIs');
    const fleet = await renderFleet(renderer, clone, { capabilities: () => capabilities });
    t.ok(fleet.length >= 8, `${fleet.length} applications`);

    for (const entry of fleet) {
      const application = probe(entry);
      const { name } = application.metadata;
      const [ours] = await renderer.render(clone, [{ application, ...capabilities }]);
      if (ours?.ok !== true) throw new Error(`${labelOf(entry)}: ${ours?.error ?? 'no answer'}`);
      await stack.create(application);
      try {
        // Argo CD's server learns of the new Application a moment later.
        const theirs = await until(`the manifests of ${name}`, async () => stack.admin.manifests(name).catch(() => undefined));
        t.strictSame(sorted(ours.value), sorted(theirs.map((text) => JSON.parse(text) as KubernetesObject)), labelOf(entry));
        t.ok(theirs.length > 0, `${theirs.length} objects`);
      } finally {
        await stack.kubectl('-n', 'argocd', 'delete', 'application', name, '--wait=true');
      }
    }
  } finally {
    await renderer.close();
    rmSync(clone, { recursive: true, force: true });
  }
});

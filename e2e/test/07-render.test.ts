import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type FleetApplication, labelOf, renderFleet } from '@gitops/manifests/fleet';
import type { KubernetesObject } from '@gitops/manifests/object';
import { type Application, type Source, startRenderer } from '@gitops/manifests/renderer';
import { SAMPLE_PULL_REQUEST } from '@gitops/manifests/sample-pull-request';
import { localCharts } from '@gitops/tools/charts';
import { serveCharts } from '@gitops/tools/helm-repository';
import { run } from '@gitops/tools/run';
import { SAMPLE_CHART, writeSampleChart } from '@gitops/tools/sample-chart';
import { BREAK_GLASS, Stack, until } from '../src/stack.ts';

const stack = await Stack.open();
const { charts: upstream, missing } = localCharts(stack.instance.root);
const scratch = mkdtempSync(join(tmpdir(), 'chart-'));
const sample = { chart: SAMPLE_CHART, version: '1.0.0', folder: writeSampleChart(join(scratch, SAMPLE_CHART)) };
const repository = await serveCharts(join(stack.tools.bin, 'helm'), [
  sample.folder,
  ...upstream.map(({ folder }) => folder),
]);
// As their own repositories offer them, and as this one does.
const charts = [...upstream, ...[sample, ...upstream].map((chart) => ({ ...chart, repoURL: repository.url }))];
t.teardown(async () => {
  await repository.close();
  rmSync(scratch, { recursive: true, force: true });
});
if (missing.length > 0)
  t.comment(
    'not rendered, since their charts are not on this machine: ' +
      `${missing.map(({ chart }) => chart).join(', ')}; run \`make charts\``,
  );

/** By kind and name: repo-server and the harness need not list them in the same order. */
const sorted = (objects: readonly KubernetesObject[]): KubernetesObject[] =>
  [...objects].sort((a, b) => `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`));

// Upstream charts come from here, which their own project does not allow.
const PROJECT = 'render';

/**
 * The Application under a name of its own, read from the stack's Git and from a Helm repository on this machine, and
 * never synced.
 */
function probe({ cluster, application, chart }: FleetApplication): Application {
  const fromWorkTree = (source: Source): Source => ({
    ...source,
    // The branch of the made-up pull request is not in Git.
    ...(source.chart === undefined ? { repoURL: stack.gitURL, targetRevision: 'main' } : { repoURL: repository.url }),
  });
  const { destination, source, sources } = application.spec;
  const project = chart?.isUpstream === true ? PROJECT : application.spec.project;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: `render-${cluster.name}-${application.metadata.name}`, namespace: 'argocd' },
    spec: {
      project,
      destination,
      ...(source === undefined ? {} : { source: fromWorkTree(source) }),
      ...(sources === undefined ? {} : { sources: sources.map(fromWorkTree) }),
    },
  };
}

/** The sample chart with values from the stack's Git, as the controllers have theirs; never synced either. */
function sampleProbe(): Application {
  const valueFiles = ['shared', 'staging'].map((folder) => `$values/clusters/${folder}/metrics-server.yaml`);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: `render-${SAMPLE_CHART}`, namespace: 'argocd' },
    spec: {
      project: PROJECT,
      destination: { server: 'https://kubernetes.default.svc', namespace: 'metrics-server' },
      sources: [
        { repoURL: repository.url, chart: SAMPLE_CHART, targetRevision: sample.version, helm: { valueFiles } },
        { repoURL: stack.gitURL, targetRevision: 'main', ref: 'values' },
      ],
    },
  };
}

const isOnThisMachine = ({ rendered }: FleetApplication): boolean => rendered.ok || rendered.missingChart === undefined;

/** What differs in every render, a certificate, is left out on both sides. */
function comparable(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return sorted(objects).map(
    (object) =>
      JSON.parse(
        JSON.stringify(
          object.kind === 'Secret' ? { ...object, data: undefined, stringData: undefined } : object,
          (key, value: unknown) => (key === 'caBundle' && typeof value === 'string' ? undefined : value),
        ),
      ) as KubernetesObject,
  );
}

/** Of Kubernetes itself or of Argo CD; the other operators' kinds are not installed here. */
const isKnownHere = ({ apiVersion }: KubernetesObject): boolean =>
  !apiVersion.includes('.') ||
  (/^[a-z0-9.]+\.k8s\.io\//.test(apiVersion) && !apiVersion.startsWith('gateway.')) ||
  apiVersion.startsWith('argoproj.io/');

/** A Job cannot be changed, and that of this cluster is there already: Argo CD deletes it first. */
const asNew = ({ metadata, ...object }: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: object.kind === 'Job' ? { ...metadata, name: `${metadata.name}-new` } : metadata,
});

t.test('a real API server accepts every object of every cluster, strictly and without a warning', async (t) => {
  const renderer = startRenderer(stack.tools, charts);
  // Of the made-up pull request; here no cluster has previews.
  const preview = `preview-${SAMPLE_PULL_REQUEST.number}`;
  await stack.kubectl('create', 'namespace', preview);
  try {
    const capabilities = await until('what Argo CD knows of its cluster', async () => stack.platform.capabilities());
    const fleet = await renderFleet(renderer, stack.instance.root, { capabilities: () => capabilities });
    for (const entry of fleet.filter(isOnThisMachine)) {
      // As they are made the first time, certificates and all.
      const { ignoreDifferences: _, ...spec } = entry.application.spec;
      const [rendered] = await renderer.render(stack.instance.root, [
        { ...entry.request, application: { ...entry.application, spec } },
      ]);
      if (rendered?.ok !== true) throw new Error(`${labelOf(entry)}: ${rendered?.error ?? 'no answer'}`);
      const objects = rendered.value.filter(isKnownHere).map(asNew);
      // kubectl takes objects of one namespace at a time.
      for (const [namespace, together] of Map.groupBy(
        objects,
        ({ metadata }) => metadata.namespace ?? entry.application.spec.destination.namespace ?? '',
      )) {
        const { stdout, stderr } = await stack.dryRun(together, namespace);
        t.equal(
          stdout.trim().split('\n').length,
          together.length,
          `${labelOf(entry)}: ${together.length} objects for ${namespace}`,
        );
        t.equal(stderr, '', `${labelOf(entry)}: no warning`);
      }
    }
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'x', image: 'x', readinessProb: {} }] },
        },
      },
    };
    await t.rejects(
      stack.dryRun([deployment], 'fastify-service'),
      /unknown field .*readinessProb/,
      'and refuses what it does not know',
    );
  } finally {
    await stack.kubectl('delete', 'namespace', preview, '--wait=false');
    await renderer.close();
  }
});

t.test('what the harness renders is what repo-server renders, for every application of every cluster', async (t) => {
  // main as Argo CD sees it, not the work tree: other drills have pushed to it.
  const clone = mkdtempSync(join(tmpdir(), 'render-'));
  const renderer = startRenderer(stack.tools, charts);
  try {
    await run('git', ['clone', '--quiet', stack.gitURL, clone]);
    const capabilities = await until('what Argo CD knows of its cluster', async () => stack.platform.capabilities());
    t.match(capabilities.kubeVersion, /^v?1\.36/);
    t.ok(capabilities.apiVersions.includes('apps/v1/Deployment'), 'the cluster tells its APIs');
    const fleet = await renderFleet(renderer, clone, { capabilities: () => capabilities });
    t.ok(fleet.length >= 17, `${fleet.length} applications`);
    const probes = [
      { label: 'a chart of a Helm repository, with values from Git', application: sampleProbe() },
      ...fleet.filter(isOnThisMachine).map((entry) => ({ label: labelOf(entry), application: probe(entry) })),
    ];
    const destinations = [
      ...new Set(fleet.flatMap(({ application }) => application.spec.destination.namespace ?? [])),
    ].map((namespace) => ({ server: 'https://kubernetes.default.svc', namespace }));
    await stack.create(
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: PROJECT, namespace: 'argocd' },
        spec: { sourceRepos: [stack.gitURL, repository.url], destinations },
      },
      ...BREAK_GLASS,
    );

    for (const { label, application } of probes) {
      const { name } = application.metadata;
      const [ours] = await renderer.render(clone, [{ application, ...capabilities }]);
      if (ours?.ok !== true) throw new Error(`${label}: ${ours?.error ?? 'no answer'}`);
      await stack.create(application, ...BREAK_GLASS);
      try {
        // Argo CD's server learns of the new Application a moment later.
        const theirs = await until(`the manifests of ${name}`, async () =>
          stack.platform.manifests(name).catch(() => undefined),
        );
        t.strictSame(
          comparable(ours.value),
          comparable(theirs.map((text) => JSON.parse(text) as KubernetesObject)),
          label,
        );
        t.ok(theirs.length > 0, `${theirs.length} objects`);
      } finally {
        await stack.kubectl('-n', 'argocd', 'delete', 'application', name, '--wait=true');
      }
    }
  } finally {
    await stack.kubectl('-n', 'argocd', 'delete', 'appproject', PROJECT, '--ignore-not-found');
    await renderer.close();
    rmSync(clone, { recursive: true, force: true });
  }
});

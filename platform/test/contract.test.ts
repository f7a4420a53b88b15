import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { changesBetween } from '@gitops/manifests/changes';
import { type FleetApplication, renderFleet } from '@gitops/manifests/fleet';
import type { KubernetesObject } from '@gitops/manifests/object';
import { startRenderer } from '@gitops/manifests/renderer';
import { type AwsClusterSettings, clusterFacts, type MadeOnAws, PREVIEW_IMAGES, readClusters } from '@gitops/settings';
import { valueAt } from '@gitops/settings/yaml-file';
import { argocdChart, isSameChart, localCharts } from '@gitops/tools/charts';
import { run } from '@gitops/tools/run';
import { ensureTools, KUBERNETES_VERSION } from '@gitops/tools/tools';
import { synthesize } from '../src/app.ts';
import { REPOSITORIES } from '../src/stacks/registry.ts';
import { repository, silent } from './platform-in-tests.ts';
import { type Resource, resourcesOf } from './synthesized.ts';

// What the stacks make and what Git uses are the same names, in both directions: one that is missing fails in the
// cluster, an unused one is dead weight.

const tools = await ensureTools(silent, { verify: false });
const { charts, missing } = localCharts(repository);
const stacks = synthesize(repository, join(t.testdir(), 'out'));
const clusters = readClusters(repository).filter(
  (cluster): cluster is AwsClusterSettings => cluster.provider === 'aws',
);

const renderer = startRenderer(tools, charts);
// No proof of packages/manifests lets anything depend on what a cluster says of itself.
const fleet = await renderFleet(renderer, repository, {
  clusters: clusters.map(({ name }) => name),
  capabilities: () => ({ kubeVersion: KUBERNETES_VERSION, apiVersions: [] }),
});
await renderer.close();

/** Why a test that needs upstream charts cannot run on this machine, for tap's `skip`. */
function lacks(...names: readonly string[]): string | false {
  const lacking = missing.filter(({ chart }) => names.includes(chart)).map(({ chart }) => chart);
  return lacking.length > 0 && `needs charts that are not on this machine (${lacking.join(', ')}); run \`make charts\``;
}

const resources = (stack: string, type: string): Resource[] => resourcesOf(stacks, stack, type);

const objectsOf = (
  cluster: string,
  wanted: (entry: FleetApplication) => boolean = () => true,
): { readonly object: KubernetesObject; readonly namespace: string }[] =>
  fleet
    .filter((entry) => entry.cluster.name === cluster && wanted(entry))
    .flatMap(({ rendered, application }) =>
      rendered.ok
        ? rendered.value.map((object) => ({
            object,
            namespace: object.metadata.namespace ?? application.spec.destination.namespace ?? '',
          }))
        : [],
    );

/** A Helm release of a cluster's Argo CD stack. */
const releaseOf = (cluster: string, name: string): Resource =>
  resources(`${cluster}-argocd`, 'helm_release').find((release) => release.name === name) ?? {};
const ownValues = (release: Resource): unknown => JSON.parse((release.values as string[]).at(-1) ?? '{}');

interface Secret {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
}
const secretOf = (cluster: string): Secret =>
  valueAt(ownValues(releaseOf(cluster, 'root')), ['clusterSecret']) as Secret;
const applicationSets = readdirSync(join(repository, 'argocd/applications')).map((file) =>
  readFileSync(join(repository, 'argocd/applications', file), 'utf8'),
);
const namesIn = (pattern: RegExp): string[] =>
  [...new Set(applicationSets.flatMap((text) => Array.from(text.matchAll(pattern), ([, name = '']) => name)))].sort();

t.test('the whole fleet renders, as far as its charts are on this machine', (t) => {
  t.ok(fleet.length > 10);
  t.same(
    fleet.map(({ rendered }) => rendered).filter((rendered) => !rendered.ok && rendered.missingChart === undefined),
    [],
  );
  t.end();
});

/** What the ApplicationSets of previews alone read: only a cluster with previews has it. */
const OF_PREVIEWS = ['gitHubOwner', 'gitHubRepository', 'previewDomain', 'previews'];

t.test('every fact that an ApplicationSet reads is on the Secret, and no other is', (t) => {
  for (const { name, previews } of clusters) {
    const { metadata } = secretOf(name);
    const isOfCluster = (fact: string): boolean => previews !== undefined || !OF_PREVIEWS.includes(fact);
    t.same([metadata.name, metadata.namespace], ['in-cluster', 'argocd']);
    const read = namesIn(/\.metadata\.annotations\.(\w+)/g).filter(isOfCluster);
    t.same(Object.keys(metadata.annotations).sort(), read, name);
    const asked = new Set([
      ...namesIn(/\.metadata\.labels\.(\w+)/g),
      ...namesIn(/^ {12,18}([\w./-]+): (?:cluster|enabled)$/gm).filter(isOfCluster),
    ]);
    t.same(
      Object.keys(metadata.labels).filter((label) => !asked.has(label)),
      [],
      'no label that nobody asks for',
    );
    t.same(
      [...asked].filter((label) => !(label in metadata.labels)),
      [],
      'no label that nobody gives',
    );
    // What only AWS knows is a reference into the state, not a name typed by hand.
    t.match(metadata.annotations.vpcId, /^\$\{data\.aws_eks_cluster\.cluster\.vpc_config\[0\]\.vpc_id\}$/);
  }
  t.end();
});

const skipRoles = lacks('aws-load-balancer-controller', 'external-secrets', 'karpenter', 'metrics-server', 'argo-cd');
t.test('every role of a pod belongs to a service account that there is', { skip: skipRoles }, (t) => {
  for (const { name } of clusters) {
    const accounts = new Set(
      objectsOf(name)
        .filter(({ object }) => object.kind === 'ServiceAccount')
        .map(({ object, namespace }) => `${namespace}/${object.metadata.name}`),
    );
    const addons = resources(`${name}-cluster`, 'aws_eks_addon').map(({ addon_name }) => addon_name);
    // EKS user guide, "AWS add-ons": these come with the service account of their own name.
    const ofAddons: Readonly<Record<string, string>> = {
      'kube-system/aws-node': 'vpc-cni',
      'kube-system/ebs-csi-controller-sa': 'aws-ebs-csi-driver',
    };
    const given = resources(`${name}-cluster`, 'aws_eks_pod_identity_association').map(
      ({ namespace, service_account }) => `${String(namespace)}/${String(service_account)}`,
    );
    for (const account of given)
      t.ok(accounts.has(account) || addons.includes(ofAddons[account]), `${name}: ${account}`);
    for (const account of [
      'aws-load-balancer-controller/aws-load-balancer-controller',
      'external-secrets/external-secrets',
      'karpenter/karpenter',
      ...Object.keys(ofAddons),
    ])
      t.ok(given.includes(account), `${name}: ${account} has a role`);
  }
  t.end();
});

t.test('images come from a repository that there is, in the registry of the settings', (t) => {
  const [{ registry }] = clusters as [AwsClusterSettings];
  const repositories = [...REPOSITORIES, PREVIEW_IMAGES];
  const known = repositories.map((name) => `${registry.accountId}.dkr.ecr.${registry.region}.amazonaws.com/${name}`);
  t.same(
    resources('registry', 'aws_ecr_repository').map(({ name }) => name),
    repositories,
  );
  const used = new Set<string>();
  for (const { name } of clusters) {
    for (const { object } of objectsOf(name, ({ application }) =>
      ['services', 'previews'].includes(application.spec.project),
    )) {
      for (const container of (valueAt(object, ['spec', 'template', 'spec', 'containers']) as
        { image: string }[] | undefined) ?? []) {
        const [from = ''] = container.image.split(':');
        t.ok(known.includes(from), `${name}: ${container.image}`);
        used.add(from);
      }
    }
  }
  t.same([...used].sort(), known.sort(), 'and none is unused');
  t.end();
});

t.test('the root Application follows the repository and branch of the settings, and so do all others', (t) => {
  for (const { name, git, previews } of clusters) {
    t.same(ownValues(releaseOf(name, 'root')), {
      ...{ cluster: name, repoURL: git.repository, revision: git.revision },
      ...(previews === undefined ? {} : { previewToken: `${name}/github-pull-requests` }),
      clusterSecret: secretOf(name),
    });
    const { repoURL, repoRevision } = secretOf(name).metadata.annotations;
    t.same([repoURL, repoRevision], [git.repository, git.revision]);
  }
  t.end();
});

t.test('load balancers stand in the networks that the NetworkPolicies let in', (t) => {
  for (const { name } of clusters) {
    const publicSubnets = resources(`${name}-network`, 'aws_subnet')
      .filter(({ tags }) => (tags as Record<string, string>).tier === 'public')
      .map(({ cidr_block }) => cidr_block);
    t.equal(secretOf(name).metadata.annotations.loadBalancerCidrs, `{${publicSubnets.join(',')}}`);
  }
  t.end();
});

t.test('secrets are read where they are kept', { skip: lacks('external-secrets') }, (t) => {
  for (const { name, region } of clusters) {
    const stores = objectsOf(name)
      .filter(({ object }) => object.kind === 'ClusterSecretStore')
      .map(({ object }) => object);
    t.same(
      stores.map((store) => valueAt(store, ['spec', 'provider', 'aws', 'region'])),
      [region],
      name,
    );
    const kept = resources(`${name}-cluster`, 'aws_secretsmanager_secret').map(({ name: secret }) => String(secret));
    for (const secret of kept) t.match(secret, new RegExp(`^${name}/`), 'below the prefix that the role may read');
    const [condition] = valueAt(stores[0], ['spec', 'conditions']) as { namespaces: string[] }[];
    for (const { object, namespace } of objectsOf(name).filter(({ object: { kind } }) => kind === 'ExternalSecret')) {
      const key = String(
        valueAt(object, ['spec', 'dataFrom', '0', 'extract', 'key']) ??
          valueAt(object, ['spec', 'data', '0', 'remoteRef', 'key']),
      );
      t.ok(kept.includes(key), `${name}: ${key} is a secret of its stack`);
      t.ok(condition?.namespaces.includes(namespace), `${name}: ${namespace} may read the store`);
    }
  }
  t.end();
});

t.test('the release of Argo CD is of the chart that argocd/ names', (t) => {
  for (const { name } of clusters) {
    const { repoURL, chart, version } = argocdChart(repository, name);
    t.match(releaseOf(name, 'argocd'), { chart, version, repository: repoURL, namespace: 'argocd' });
  }
  t.end();
});

t.test('the Application argocd takes over what CDKTF installs, as it is', { skip: lacks('argo-cd') }, async (t) => {
  // Without the Job that makes the password of Redis, their pods need none to start, so that they restart once.
  const optional = [
    'Deployment/argocd-repo-server',
    'Deployment/argocd-server',
    'StatefulSet/argocd-application-controller',
  ];
  for (const { name } of clusters) {
    const named = argocdChart(repository, name);
    const chart = charts.find((candidate) => isSameChart(candidate, named));
    const values = (releaseOf(name, 'argocd').values as string[]).map(
      (text, index) => [`${index}.yaml`, text] as const,
    );
    const folder = t.testdir(Object.fromEntries(values));
    const text = await run(join(tools.bin, 'helm'), [
      ...['template', 'argocd', chart?.folder ?? '', '--namespace', 'argocd', '--kube-version', KUBERNETES_VERSION],
      ...values.flatMap(([file]) => ['--values', join(folder, file)]),
    ]);
    const all = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject | null);
    const installed = all.filter(
      (object) => object !== null && !('helm.sh/hook' in (object.metadata.annotations ?? {})),
    );
    t.equal(all.length - installed.length, 4, 'the Job that makes the password of Redis, and its rights');
    const taken = objectsOf(name, ({ application }) => application.metadata.name === 'argocd').map((one) => one.object);
    const changed = changesBetween(installed as KubernetesObject[], taken)
      .filter(({ path }) => path !== 'metadata.annotations[argocd.argoproj.io/tracking-id]')
      .map(({ object, path }) => `${object} ${path.replace(/.*REDIS_PASSWORD\]/, '')}`);
    t.strictSame(
      changed,
      optional.map((object) => `${object} .valueFrom.secretKeyRef.optional`),
      name,
    );

    const images = JSON.stringify(installed).match(/[^"]+\/argoproj\/argocd:[^"]+/g);
    t.same([...new Set(images)], [`quay.io/argoproj/argocd:${named.argocdVersion}`]);
    const rights = taken.filter(({ metadata }) => metadata.name === 'argocd-rbac-cm');
    t.match(rights, [{ data: { 'policy.default': '' } }], 'nobody may do anything by default');
  }
});

t.test('facts are what the settings say, wherever they are read', (t) => {
  for (const settings of clusters) {
    const aws = secretOf(settings.name).metadata.annotations as unknown as MadeOnAws;
    t.same(aws, clusterFacts(settings, { aws }).annotations);
  }
  t.end();
});

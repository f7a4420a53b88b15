import { matchesGlob } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { byCustomManager, byManagers, type Dependency, settings } from './dependencies.ts';
import { filesOfTree, read } from './tree.ts';

const files = filesOfTree();
const custom = settings.customManagers.flatMap((manager) => byCustomManager(manager, files));
const dependencies = [...byManagers(files), ...custom];

/** Lines with a version that Renovate has no business with, and why. */
const NOT_RENOVATES: readonly { readonly file: RegExp; readonly text: RegExp; readonly why: string }[] = [
  { file: /\.image\.yaml$/, text: /tag:/, why: 'CI alone writes image files' },
  {
    file: /^argocd\/applications\/argocd\.yaml$/,
    text: /^ +(chart|version): /,
    why: 'later steps of an upgrade of Argo CD: raised by whoever has seen it run in the step before',
  },
  {
    file: /^(charts\/[^/]+\/ci|e2e\/bench)\/|\/sample-chart\.ts$/,
    text: /tag: "|'\d\.0\.\d'|sample:\d/,
    why: 'made up for tests and measurements',
  },
  { file: /(^|\/)Chart\.yaml$/, text: /^version: /, why: 'our own charts; who changes one raises it' },
  { file: /(^|\/)Chart\.yaml$/, text: /^kubeVersion: ">=/, why: 'the lowest version, a decision' },
  {
    file: /^(Makefile|.+\.ts)$/,
    text: /(TAG=|--tag |example: '|exact version, )\d/,
    why: 'an example in a help text or a message',
  },
  {
    file: /^packages\/monitoring\/exported\//,
    text: /^(version|origin): /,
    why: 'what an exporter documents, raised by whoever has compared it',
  },
  { file: /^packages\/manifests\/src\/render\/flips\.ts$/, text: /'9\.9\.9'/, why: 'a value to try' },
  {
    file: /^packages\/.+\.ts$/,
    text: /'1\.3\d'/,
    why: 'a minor version of Kubernetes whose schemas are known; another one is an entry of SCHEMA_PINS, made by hand',
  },
  {
    file: /^packages\/settings\/data\/eks-versions\.json$/,
    text: /": "20\d\d-/,
    why: 'older versions stay as long as a cluster may run them; Renovate looks at the newest',
  },
  {
    file: /^platform\/data\/aws-load-balancer-controller-policy\.json$/,
    text: /"(origin|chart)": /,
    why: 'raised by whoever has compared the policy with that of the new release; a test asks for it',
  },
  { file: /^platform\/src\/stacks\//, text: /'>= 1\.11\.0'/, why: 'the lowest OpenTofu that takes our stacks' },
  { file: /^\.github\/renovate\.json$/, text: /"(allowedVersions|description)": /, why: 'bounds of versions' },
  {
    file: /^packages\/local\/src\/node-agents\.ts$/,
    text: /DOCUMENTATION = /,
    why: 'networks for documentation, without their last octet',
  },
  {
    file: /^packages\/tools\/go\/node-agent\/runtime\/service\.go$/,
    text: /RuntimeVersion: /,
    why: 'the version of the runtime interface, and our own',
  },
  { file: /^service\/package\.json$/, text: /"version": /, why: 'our own version' },
  { file: /^service\/src\/networks\.ts$/, text: /version: /, why: "the API's own version" },
  { file: /^packages\/services\/src\//, text: /version"?: |tag: "/, why: 'the first version of a new service' },
  {
    file: /^packages\/manifests\/data\/argocd-settings\.json$/,
    text: /"(origin|version)": /,
    why: 'written by a program from the module of Argo CD; a test compares the versions',
  },
  {
    file: /^packages\/manifests\/data\/published-names\.json$/,
    text: /"origin": /,
    why: 'what a list was taken from at its date',
  },
  {
    file: /^(clusters\/cluster\.schema\.json|packages\/settings\/src\/node-schema\.ts)$/,
    text: /for instance 1\./,
    why: 'an example of the release of a node image',
  },
  { file: /^e2e\/bench\/scale\.ts$/, text: /version: 0/, why: 'a chart of the measurement' },
  { file: /^service\/src\/plugins\/openapi\.ts$/, text: /openapi: '3/, why: 'the version of the OpenAPI format' },
];

/** Prose, lock files, what is generated, and tests, which check or make up versions. */
const isSearched = (file: string): boolean =>
  !/\.md$|(^|\/)(test|docs)\/|^e2e\/(life|soak|src)\/|_test\.go$|^LICENSE$|(^|\/)(pnpm-lock\.yaml|go\.sum|charts\.lock\.yaml)$|^service\/openapi\.json$/.test(
    file,
  );

/** Whether a line has a version: three numbers (no address, no section of an RFC), or a minor version of Kubernetes. */
const hasVersion = (line: string): boolean =>
  !/^\s*(\/\/|\/?\*|#|\{\{-? \/\*)/.test(line) &&
  (/(?<![\d.])v?\d+\.\d+\.\d+(?!\.?\d)/.test(line.replaceAll(/\d+(\.\d+){3}(\/\d+)?|RFC \d+, [\d.]+/g, '')) ||
    /['"]1\.\d\d['"]/.test(line));

t.test('Renovate finds every version in the tree, except those with a reason', (t) => {
  const found = new Set(dependencies.map(({ file, line }) => `${file}:${line}`));
  const used = new Set<(typeof NOT_RENOVATES)[number]>();
  const missed: string[] = [];
  for (const file of files.filter(isSearched)) {
    for (const [index, line] of read(file).split('\n').entries()) {
      const place = `${file}:${index + 1}`;
      if (!hasVersion(line) || found.has(place)) continue;
      const reason = NOT_RENOVATES.find((each) => each.file.test(file) && each.text.test(line));
      if (reason === undefined) missed.push(`${place}: ${line.trim()}`);
      else used.add(reason);
    }
  }
  t.strictSame(missed, [], 'add a manager to .github/renovate.json, or a reason to the list here');
  t.strictSame(
    NOT_RENOVATES.filter((reason) => !used.has(reason)).map(({ why }) => why),
    [],
    'and every reason is still needed',
  );
  t.end();
});

t.test('the custom managers capture the version as written', (t) => {
  const versionsOf = (name: string, all: readonly Dependency[] = custom): string[] => [
    ...new Set(all.filter((each) => each.name === name).map(({ version }) => version)),
  ];
  const built = byManagers(['packages/tools/go/go.mod']);

  const [kubernetes = ''] = versionsOf('k8s.io/kubernetes', built);
  t.match(kubernetes, /^v1\.\d+\.\d+$/);
  t.ok(versionsOf('k8s.io/kubernetes').includes(kubernetes), `Kubernetes ${kubernetes}`);
  const [argocd = ''] = versionsOf('github.com/argoproj/argo-cd/v3', built);
  t.match(argocd, /^v3\.\d+\.\d+$/);
  for (const version of versionsOf('github.com/argoproj/argo-cd/v3'))
    t.equal(version.replace(/^v?/, 'v'), argocd, `Argo CD ${version}`);

  const clusters = files.filter((file) => /^clusters\/[^/]+\/cluster\.yaml$/.test(file));
  const asked = clusters.flatMap(
    (file) => (parse(read(file)) as { kubernetesVersion?: string }).kubernetesVersion ?? [],
  );
  const { standardSupportUntil } = JSON.parse(read('packages/settings/data/eks-versions.json')) as {
    standardSupportUntil: Record<string, string>;
  };
  t.strictSame(
    custom.filter(({ name }) => name === 'amazon-eks').map(({ version }) => version),
    [...asked, ...Object.keys(standardSupportUntil).slice(-1)],
    'the version of every cluster, and the newest one of EKS',
  );

  for (const [name, bindings] of [
    ['hashicorp/aws', '@cdktf/provider-aws'],
    ['hashicorp/helm', '@cdktf/provider-helm'],
  ] as const) {
    const { cdktf } = JSON.parse(read(`platform/node_modules/${bindings}/package.json`)) as {
      cdktf: { provider: { version: string } };
    };
    t.strictSame(versionsOf(name), [cdktf.provider.version], `${name}, the release that the bindings were made from`);
  }
  t.end();
});

t.test('every custom manager finds versions, and nothing else', (t) => {
  for (const manager of settings.customManagers) {
    const found = byCustomManager(manager, files);
    const what = manager.matchStrings.join(' ');
    t.ok(found.length > 0, what);
    for (const { file, line, name, version } of found) {
      t.match(version, /^v?\d+(\.\d+)+(-[\w.-]+)?$/, `${file}:${line}: ${name} ${version}`);
      t.not(name, '', `${file}:${line} has a name`);
    }
    // Renovate runs them by RE2, which has neither.
    t.notMatch(what, /\(\?<?[=!]|\\[1-9]/, 'no look-around, no back reference');
  }
  t.end();
});

t.test('every rule of Renovate matches something', (t) => {
  const matched = (pattern: string, names: readonly string[]): boolean =>
    names.some((name) => name === pattern || matchesGlob(name, pattern));
  const names = dependencies.map(({ name }) => name);
  for (const { matchPackageNames = [], matchFileNames = [], matchManagers = [] } of settings.packageRules) {
    for (const pattern of matchPackageNames) t.ok(matched(pattern, names), `package ${pattern}`);
    for (const pattern of matchFileNames) t.ok(matched(pattern, files), `file ${pattern}`);
    for (const manager of matchManagers) t.ok(settings.enabledManagers.includes(manager), `manager ${manager}`);
  }
  t.end();
});

t.test('of what checkov needs, Renovate raises checkov alone: the rest follows from it', (t) => {
  const file = 'packages/tools/python/checkov-requirements.txt';
  const needed = dependencies.filter((dependency) => dependency.file === file);
  // The last rule that speaks of a package counts.
  const isRaised = (name: string): boolean =>
    settings.packageRules.findLast(
      ({ matchFileNames = [], matchPackageNames, enabled }) =>
        enabled !== undefined && matchFileNames.includes(file) && (matchPackageNames?.includes(name) ?? true),
    )?.enabled !== false;
  t.ok(needed.length > 50, `${needed.length} packages`);
  t.same(
    needed.flatMap(({ name }) => (isRaised(name) ? [name] : [])),
    ['checkov'],
  );
  t.end();
});

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Settings } from 'typebox/system';
import { Pointer, Value } from 'typebox/value';
import { CommandError } from '@gitops/report/errors';
import { formatCidr, overlaps, parseCidr } from '@gitops/subnets/cidr';
import { findOverlaps } from '@gitops/subnets/overlaps';
import { PlanError } from '@gitops/subnets/plan';
import { subnetPlan } from './network.ts';
import {
  AnyCluster,
  Api,
  AwsCluster,
  Cluster,
  type ClusterSettings,
  LocalCluster,
  Network,
  type NetworkSettings,
  NodeGroup,
  SERVICE_CIDR,
} from './schema.ts';
import { readYamlFile, valueAt } from './yaml-file.ts';

export { type AwsClusterSettings, type ClusterSettings, type Controller, CONTROLLERS, SERVICE_CIDR } from './schema.ts';

// TypeBox stops at eight errors by itself, and every problem is to be told at once.
Settings.Set({ maxErrors: Number.POSITIVE_INFINITY });

const SHARED = 'shared';

/** Everything that is wrong with the settings of a cluster, one line each: `file:line: key: rule (it is value)`. */
export class SettingsError extends CommandError {
  constructor(problems: readonly string[]) {
    super(problems, 'mend the settings and run the command again');
    this.name = 'SettingsError';
  }
}

/** The clusters of the repository: every folder below clusters/ with a cluster.yaml, but for the shared one. Sorted. */
export function clusterNames(root: string): string[] {
  return readdirSync(join(root, 'clusters'), { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() && entry.name !== SHARED && existsSync(join(root, 'clusters', entry.name, 'cluster.yaml')),
    )
    .map((entry) => entry.name)
    .sort();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are merged key by key; anything else of the later file takes the place of the earlier one's. */
function merge(below: Record<string, unknown>, above: Record<string, unknown>): Record<string, unknown> {
  // Entries, not assignments: a key such as __proto__ must stay a key, to be refused as any other unknown one.
  const merged = Object.entries(above).map(([key, value]) => {
    const under = Object.hasOwn(below, key) ? below[key] : undefined;
    return [key, isObject(under) && isObject(value) ? merge(under, value) : value] as const;
  });
  return Object.fromEntries([...Object.entries(below), ...merged]);
}

interface Problem {
  readonly keys: readonly string[];
  readonly rule: string;
}

/** What the schema says of the settings. Where the provider is wrong, what holds for clusters of any kind. */
function schemaProblems(settings: Record<string, unknown>): Problem[] {
  const schema = settings.provider === 'aws' ? AwsCluster : settings.provider === 'local' ? LocalCluster : AnyCluster;
  return Value.Errors(schema, settings).flatMap((error): Problem[] => {
    const keys = Pointer.Indices(error.instancePath);
    switch (error.keyword) {
      case 'additionalProperties':
        return error.params.additionalProperties.map((key) => ({
          keys: [...keys, key],
          rule: 'is no setting of this kind of cluster',
        }));
      case 'required':
        return error.params.requiredProperties.map((key) => ({ keys: [...keys, key], rule: 'is missing' }));
      // The reason behind an additionalProperties that is told anyway.
      case 'boolean':
        return [];
      case 'enum':
        return [{ keys, rule: `must be ${error.params.allowedValues.join(' or ')}` }];
      default: {
        const { description } = Pointer.Get(schema, error.schemaPath.slice(1)) as { description?: string };
        if (description === undefined) return [{ keys, rule: error.message }];
        // A pattern is for machines; what it stands for is in the description.
        return [{ keys, rule: `${error.keyword === 'pattern' ? 'does not fit' : error.message}: ${description}` }];
      }
    }
  });
}

/** What no schema can say, since it compares values. */
function otherProblems({ name, region, network, nodeGroup, api }: Record<string, unknown>, folder: string): Problem[] {
  const problems: Problem[] = [];
  if (Value.Check(Api, api)) problems.push(...apiProblems(api.publicCidrs));
  if (name !== undefined && name !== folder)
    problems.push({ keys: ['name'], rule: `must be the folder's name, ${folder}` });
  if (Value.Check(NodeGroup, nodeGroup)) {
    const { minSize, desiredSize, maxSize } = nodeGroup;
    if (desiredSize < minSize || desiredSize > maxSize)
      problems.push({
        keys: ['nodeGroup', 'desiredSize'],
        rule: `must lie between minSize ${minSize} and maxSize ${maxSize}`,
      });
  }
  if (Value.Check(Network, network)) {
    if (typeof region === 'string')
      problems.push(
        ...network.zones.flatMap((zone, index) =>
          zone.slice(0, -1) === region
            ? []
            : [
                {
                  keys: ['network', 'zones', String(index)],
                  rule: `must be a zone of ${region}: its name and a letter`,
                },
              ],
        ),
      );
    problems.push(...networkProblems(network));
  }
  return problems;
}

// A /16 has 65,536 addresses; who owns more lists them. Two halves of the internet are refused with it.
const WIDEST_PUBLIC_PREFIX = 16;

function apiProblems(publicCidrs: readonly string[]): Problem[] {
  return publicCidrs.flatMap((text, index) => {
    const keys = ['api', 'publicCidrs', String(index)];
    const cidr = parseCidr(text);
    if (formatCidr(cidr) !== text)
      return [{ keys, rule: `must begin with the first address of the network, ${formatCidr(cidr)}` }];
    if (cidr.prefixLength < WIDEST_PUBLIC_PREFIX)
      return [
        {
          keys,
          rule: `must not open the Kubernetes API to the world: /${WIDEST_PUBLIC_PREFIX} is the widest network that may reach it`,
        },
      ];
    return [];
  });
}

function networkProblems(network: NetworkSettings): Problem[] {
  const keys = ['network', 'cidr'];
  const cidr = parseCidr(network.cidr);
  const exact = formatCidr(cidr);
  if (exact !== network.cidr) return [{ keys, rule: `must begin with the first address of the network, ${exact}` }];
  if (overlaps(cidr, parseCidr(SERVICE_CIDR)))
    return [
      { keys, rule: `must not overlap with ${SERVICE_CIDR}, from which Kubernetes gives Services their addresses` },
    ];
  try {
    subnetPlan(network);
    return [];
  } catch (error) {
    if (error instanceof PlanError) return [{ keys, rule: `must hold the subnets of the cluster: ${error.message}` }];
    throw error;
  }
}

/**
 * The settings of one cluster: clusters/<name>/cluster.yaml laid over clusters/shared/cluster.yaml, checked.
 * @param root the repository's folder Throws SettingsError with every problem at once: those of the files' form, or
 *   else, once both are readable, all others.
 */
export function readCluster(root: string, name: string): ClusterSettings {
  return readClusterFiles(root, name).settings;
}

/**
 * The settings of all clusters, sorted by name, and what holds between them: networks share no address, so that they
 * can be joined one day. Throws SettingsError with the problems of every cluster at once.
 */
export function readClusters(root: string): ClusterSettings[] {
  const problems: string[] = [];
  const clusters = clusterNames(root).flatMap((name) => {
    try {
      return [readClusterFiles(root, name)];
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  const networks = clusters.flatMap(({ settings, position }) =>
    settings.provider === 'aws' ? [{ settings, position, cidr: parseCidr(settings.network.cidr) }] : [],
  );
  for (const overlap of findOverlaps(networks.map(({ cidr }) => cidr))) {
    const [first, second] = [overlap.outer, overlap.inner].sort((a, b) => a - b).map((index) => networks[index]);
    if (first === undefined || second === undefined) throw new Error('an overlap of networks that nobody has');
    const { settings, position } = second;
    problems.push(
      `${position(['network', 'cidr'])}: network.cidr: must not overlap with the network of ${first.settings.name}, ${first.settings.network.cidr} (it is ${JSON.stringify(settings.network.cidr)})`,
    );
  }
  // What is wrong in the shared file is wrong for every cluster, and told once.
  if (problems.length > 0) throw new SettingsError([...new Set(problems)]);
  return clusters.map(({ settings }) => settings);
}

/**
 * A problem that somebody else found with a setting of a cluster, in the words of this package: `file:line: key: rule
 * (it is value)`.
 */
export function settingProblem(root: string, name: string, keys: readonly string[], rule: string): string {
  const { settings, position } = readClusterFiles(root, name);
  return problemAt(settings, position, { keys, rule });
}

const problemAt = (settings: object, position: ClusterFiles['position'], { keys, rule }: Problem): string => {
  const value = valueAt(settings, keys);
  return `${position(keys)}: ${keys.join('.')}: ${rule}${value === undefined ? '' : ` (it is ${JSON.stringify(value)})`}`;
};

interface ClusterFiles {
  readonly settings: ClusterSettings;
  /** `file:line` of a key, or of the nearest key above it. */
  readonly position: (keys: readonly string[]) => string;
}

function readClusterFiles(root: string, name: string): ClusterFiles {
  const files = [SHARED, name].map((folder) => readYamlFile(root, `clusters/${folder}/cluster.yaml`));
  const unreadable = files.flatMap(({ problems }) => problems);
  if (unreadable.length > 0) throw new SettingsError(unreadable);

  const settings = files.reduce<Record<string, unknown>>((below, { content }) => merge(below, content), {});

  /** The last of the files that has the key; else where its parent stands; else the cluster's own file. */
  const position = (keys: readonly string[]): string => {
    if (keys.length === 0) return `clusters/${name}/cluster.yaml:1`;
    return (
      files.map((file) => file.position(keys)).findLast((place) => place !== undefined) ?? position(keys.slice(0, -1))
    );
  };
  const problems = [...schemaProblems(settings), ...otherProblems(settings, name)];
  if (problems.length === 0 && Value.Check(Cluster, settings)) return { settings, position };
  throw new SettingsError(problems.map((problem) => problemAt(settings, position, problem)));
}

/** The values that Argo CD's own chart is given for a cluster, from the repository's root; later ones win. */
export const argocdValueFiles = (cluster: string): readonly string[] => [
  'argocd/values.yaml',
  `clusters/${cluster}/argocd.yaml`,
];

/** What Argo CD is told of the cluster it runs in. */
export interface ClusterFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: {
    readonly repoURL: string;
    readonly repoRevision: string;
    readonly imageRegistry: string;
    readonly loadBalancerCidrs: string;
  } & Partial<AwsFacts>;
}

interface AwsFacts {
  readonly region: string;
  readonly vpcId: string;
}

/** Stands for the VPC where it does not exist yet; of the form that AWS gives. */
const UNKNOWN_VPC = 'vpc-00000000000000000';

/**
 * The labels and annotations of the cluster's own Secret in Argo CD, from which ApplicationSets take all that differs.
 * This is the one home of these keys. Annotation keys are plain words without prefix or dash, since a template can then
 * write `.metadata.annotations.repoURL`, where a missing key is an error; `index` on a map gives an empty text instead.
 * The label `cluster` is the name of the EKS cluster too; each controller of `controllers` is a label, `enabled`.
 * @param known.repoURL the address of a local Git server, in place of the settings'
 * @param known.vpcId the VPC of a cluster on AWS, which nobody knows before it is made
 */
export function clusterFacts(
  settings: ClusterSettings,
  known: { repoURL?: string; vpcId?: string } = {},
): ClusterFacts {
  const { accountId, region } = settings.registry;
  return {
    labels: {
      'argocd.argoproj.io/secret-type': 'cluster',
      cluster: settings.name,
      ...Object.fromEntries(settings.controllers.map((controller) => [controller, 'enabled'])),
    },
    annotations: {
      repoURL: known.repoURL ?? settings.git.repository,
      repoRevision: settings.git.revision,
      // RFC 2606 keeps .invalid from ever resolving: nothing is pulled on the local cluster.
      imageRegistry:
        settings.provider === 'local' ? 'registry.invalid' : `${accountId}.dkr.ecr.${region}.amazonaws.com`,
      loadBalancerCidrs: `{${loadBalancerCidrs(settings).join(',')}}`,
      ...(settings.provider === 'aws' ? { region: settings.region, vpcId: known.vpcId ?? UNKNOWN_VPC } : {}),
    },
  };
}

/**
 * The networks that requests of load balancers come from. An annotation has them as a list for Helm's --set: `{a,b}`.
 */
function loadBalancerCidrs(settings: ClusterSettings): string[] {
  // The load balancer is simulated on the machine itself.
  if (settings.provider === 'local') return ['127.0.0.0/8'];
  return subnetPlan(settings.network).flatMap(({ tier, cidr }) => (tier === 'public' ? [cidr] : []));
}

/**
 * The Secret by which Argo CD knows the cluster that it runs in, and by which ApplicationSets know the cluster's facts.
 */
export function clusterSecret({ labels, annotations }: ClusterFacts): object {
  const content = { name: 'in-cluster', server: 'https://kubernetes.default.svc', config: '{}' };
  const data = Object.fromEntries(
    Object.entries(content).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'in-cluster', namespace: 'argocd', labels, annotations },
    data,
  };
}

import { Value } from 'typebox/value';
import { overlaps, parseCidr } from '@gitops/subnets/cidr';
import { PlanError } from '@gitops/subnets/plan';
import { awsProblems, hostBits, publicCidrProblem, roleProblems, vpcCidrProblem } from './aws-problems.ts';
import { freezeProblems } from './freezes.ts';
import { instanceType } from './instance-types.ts';
import { subnetPlan } from './network.ts';
import { NodeGroup, NodePool } from './node-schema.ts';
import { mostNodes } from './nodes.ts';
import { lastZoneLetter, REGIONS, ZONES_WITHOUT_EKS } from './regions.ts';
import { Api, GITHUB_REPOSITORY, Network, type NetworkSettings, Previews, schemaOf, SERVICE_CIDR } from './schema.ts';
import { type Problem, schemaProblems } from './schema-problems.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * Everything that is wrong with the merged settings of a cluster.
 * @param folder the cluster's folder below clusters/
 */
export function problemsOf(settings: Values, folder: string): Problem[] {
  return [
    // Where the provider is unknown, what holds for clusters of any kind.
    ...schemaProblems(schemaOf(settings.provider), settings, unknownSetting(settings.provider)),
    ...nameProblems(settings.name, folder),
    ...freezeProblems(settings.freezes),
    ...apiProblems(settings.api),
    ...nodeGroupProblems(settings.nodeGroup, settings.kubernetesVersion),
    ...networkProblems(settings.network, settings.region),
    ...(settings.provider === 'aws'
      ? [...nodePoolProblems(settings), ...previewProblems(settings), ...awsProblems(settings)]
      : []),
  ];
}

const unknownSetting = (provider: unknown): string =>
  `unknown setting${provider === 'local' ? ' of a local cluster' : ''}`;

// What no schema can say, since it compares values. Each function leaves to the schema what is not of its form.

function nameProblems(name: unknown, folder: string): Problem[] {
  if (name === undefined || name === folder) return [];
  return [{ keys: ['name'], rule: `must be the folder's name, ${folder}` }];
}

/** Previews need the label on a pull request of GitHub, a Secret with its token, and one load balancer for all. */
function previewProblems({ previews, git, controllers }: Values): Problem[] {
  if (!Value.Check(Previews, previews)) return [];
  const problems: Problem[] = [];
  const { repository } = (git ?? {}) as { readonly repository?: unknown };
  if (typeof repository === 'string' && !GITHUB_REPOSITORY.test(repository))
    problems.push({ keys: ['previews'], rule: `need a repository on GitHub, and git.repository is ${repository}` });
  for (const controller of ['aws-load-balancer-controller', 'external-secrets'])
    if (Array.isArray(controllers) && !controllers.includes(controller))
      problems.push({ keys: ['previews'], rule: `need ${controller}, which \`controllers\` does not list` });
  return problems;
}

function nodeGroupProblems(nodeGroup: unknown, kubernetesVersion: unknown): Problem[] {
  if (!Value.Check(NodeGroup, nodeGroup)) return [];
  const { minSize, desiredSize, maxSize, release } = nodeGroup;
  const problems: Problem[] = [];
  if (desiredSize < minSize || desiredSize > maxSize)
    problems.push({
      keys: ['nodeGroup', 'desiredSize'],
      rule: `must be between minSize ${minSize} and maxSize ${maxSize}`,
    });
  if (release !== undefined && typeof kubernetesVersion === 'string' && !release.startsWith(`${kubernetesVersion}.`))
    problems.push({
      keys: ['nodeGroup', 'release'],
      rule: `must be a release for Kubernetes ${kubernetesVersion}, the kubernetesVersion of the cluster`,
    });
  return problems;
}

/** The pool is what Karpenter works by: neither is of use without the other. Its nodes run the group's images of pods. */
function nodePoolProblems({ nodePool, nodeGroup, controllers }: Values): Problem[] {
  const hasKarpenter = Array.isArray(controllers) && controllers.includes('karpenter');
  if (nodePool === undefined)
    return hasKarpenter
      ? [{ keys: ['nodePool'], rule: 'missing; karpenter, which `controllers` lists, needs it' }]
      : [];
  if (!Value.Check(NodePool, nodePool)) return [];
  const problems: Problem[] = [];
  if (Array.isArray(controllers) && !hasKarpenter)
    problems.push({ keys: ['nodePool'], rule: 'needs karpenter, which `controllers` does not list' });
  const most = mostNodes(nodePool.maxCpus, nodePool.instanceTypes);
  if (nodePool.expectedNodes > most)
    problems.push({
      keys: ['nodePool', 'expectedNodes'],
      rule: `must be at most ${most}, the nodes that maxCpus ${nodePool.maxCpus} allows`,
    });
  if (!Value.Check(NodeGroup, nodeGroup)) return problems;
  const { architecture } = instanceType(nodeGroup.instanceType);
  for (const [index, type] of nodePool.instanceTypes.entries())
    if (instanceType(type).architecture !== architecture)
      problems.push({
        keys: ['nodePool', 'instanceTypes', String(index)],
        rule: `must be a type with ${architecture}, the architecture of the node group`,
      });
  return problems;
}

function apiProblems(api: unknown): Problem[] {
  if (!Value.Check(Api, api)) return [];
  const problems: Problem[] = [];
  for (const [index, text] of api.publicCidrs.entries()) {
    const keys = ['api', 'publicCidrs', String(index)];
    const rule = hostBits(text) ?? publicCidrProblem(text);
    if (rule !== undefined) problems.push({ keys, rule });
  }
  return [...problems, ...roleProblems(api)];
}

function networkProblems(network: unknown, region: unknown): Problem[] {
  if (!Value.Check(Network, network)) return [];
  const problems: Problem[] = [];
  const knownRegion = REGIONS.find((candidate) => candidate === region);
  for (const [index, zone] of network.zones.entries()) {
    const rule = knownRegion === undefined ? undefined : zoneProblem(zone, knownRegion);
    if (rule !== undefined) problems.push({ keys: ['network', 'zones', String(index)], rule });
  }
  const rule = cidrProblem(network);
  if (rule !== undefined) problems.push({ keys: ['network', 'cidr'], rule });
  return problems;
}

function zoneProblem(zone: string, region: string): string | undefined {
  if (zone.slice(0, -1) !== region)
    return `must be a zone of ${region}, such as ${region}a; a cluster outside the shared region names its own zones`;
  const last = lastZoneLetter(region);
  if (zone.slice(-1) > last)
    return `must be a zone that ${region} has: ${region}a to ${region}${last} (packages/settings/data/zones.json)`;
  if (ZONES_WITHOUT_EKS.includes(zone)) return 'must be a zone in which EKS places control planes';
  return undefined;
}

function cidrProblem(network: NetworkSettings): string | undefined {
  const rule = hostBits(network.cidr);
  if (rule !== undefined) return rule;
  const unusable = vpcCidrProblem(network.cidr);
  if (unusable !== undefined) return unusable;
  if (overlaps(parseCidr(network.cidr), parseCidr(SERVICE_CIDR)))
    return `must not overlap ${SERVICE_CIDR}, the addresses of Kubernetes Services`;
  try {
    subnetPlan(network);
    return undefined;
  } catch (error) {
    if (error instanceof PlanError) return `too small for the subnets of the cluster: ${error.message}`;
    throw error;
  }
}

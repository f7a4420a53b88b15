import { Settings } from 'typebox/system';
import { Pointer, Value } from 'typebox/value';
import { formatCidr, overlaps, parseCidr } from '@gitops/subnets/cidr';
import { PlanError } from '@gitops/subnets/plan';
import { subnetPlan } from './network.ts';
import { REGIONS, ZONES_WITHOUT_EKS } from './regions.ts';
import { Api, Network, type NetworkSettings, NodeGroup, schemaOf, SERVICE_CIDR } from './schema.ts';

// TypeBox stops at eight errors by default; every problem is to be reported at once.
Settings.Set({ maxErrors: Number.POSITIVE_INFINITY });

/** A setting that breaks a rule. */
export interface Problem {
  readonly keys: readonly string[];
  readonly rule: string;
}

type Values = Readonly<Record<string, unknown>>;

/**
 * Everything that is wrong with the merged settings of a cluster.
 * @param folder the cluster's folder below clusters/
 */
export function problemsOf(settings: Values, folder: string): Problem[] {
  return [
    ...schemaProblems(settings),
    ...nameProblems(settings.name, folder),
    ...apiProblems(settings.api),
    ...nodeGroupProblems(settings.nodeGroup),
    ...networkProblems(settings.network, settings.region),
  ];
}

/** What the schema finds; where the provider is unknown, what holds for clusters of any kind. */
function schemaProblems(settings: Values): Problem[] {
  const schema = schemaOf(settings.provider);
  const unknown = `unknown setting${settings.provider === 'local' ? ' of a local cluster' : ''}`;
  const problems: Problem[] = [];
  for (const error of Value.Errors(schema, settings)) {
    const keys = Pointer.Indices(error.instancePath);
    switch (error.keyword) {
      case 'additionalProperties':
        for (const key of error.params.additionalProperties) problems.push({ keys: [...keys, key], rule: unknown });
        break;
      case 'required':
        for (const key of error.params.requiredProperties) problems.push({ keys: [...keys, key], rule: 'missing' });
        break;
      case 'boolean':
        // Comes with additionalProperties, which is reported above.
        break;
      case 'enum':
        problems.push({ keys, rule: `must be ${alternatives(error.params.allowedValues)}` });
        break;
      default: {
        const { description } = Pointer.Get(schema, error.schemaPath.slice(1)) as { description?: string };
        // A pattern is for machines; the description explains it.
        const rule = error.keyword === 'pattern' ? 'invalid value' : error.message;
        problems.push({ keys, rule: description === undefined ? error.message : `${rule}; expected: ${description}` });
      }
    }
  }
  return problems;
}

/** a, b or c */
const alternatives = (values: readonly unknown[]): string =>
  [values.slice(0, -1).join(', '), values.at(-1)].filter((part) => part !== '').join(' or ');

// What no schema can say, since it compares values. Each function leaves to the schema what is not of its form.

function nameProblems(name: unknown, folder: string): Problem[] {
  if (name === undefined || name === folder) return [];
  return [{ keys: ['name'], rule: `must be the folder's name, ${folder}` }];
}

function nodeGroupProblems(nodeGroup: unknown): Problem[] {
  if (!Value.Check(NodeGroup, nodeGroup)) return [];
  const { minSize, desiredSize, maxSize } = nodeGroup;
  if (desiredSize >= minSize && desiredSize <= maxSize) return [];
  return [{ keys: ['nodeGroup', 'desiredSize'], rule: `must be between minSize ${minSize} and maxSize ${maxSize}` }];
}

// A /16 has 65,536 addresses; who owns more lists them. Two halves of the internet are refused with it.
const WIDEST_PUBLIC_PREFIX = 16;

function apiProblems(api: unknown): Problem[] {
  if (!Value.Check(Api, api)) return [];
  const problems: Problem[] = [];
  for (const [index, text] of api.publicCidrs.entries()) {
    const keys = ['api', 'publicCidrs', String(index)];
    const rule = hostBits(text) ?? widthProblem(text);
    if (rule !== undefined) problems.push({ keys, rule });
  }
  return problems;
}

function widthProblem(text: string): string | undefined {
  if (parseCidr(text).prefixLength >= WIDEST_PUBLIC_PREFIX) return undefined;
  return `must not open the Kubernetes API to the world: the widest network allowed is a /${WIDEST_PUBLIC_PREFIX}`;
}

function hostBits(text: string): string | undefined {
  const exact = formatCidr(parseCidr(text));
  return exact === text ? undefined : `has host bits set; the network is ${exact}`;
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
  if (ZONES_WITHOUT_EKS.includes(zone)) return 'must be a zone in which EKS places control planes';
  return undefined;
}

function cidrProblem(network: NetworkSettings): string | undefined {
  const rule = hostBits(network.cidr);
  if (rule !== undefined) return rule;
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

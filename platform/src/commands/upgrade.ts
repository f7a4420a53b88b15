import { settingProblem, SettingsError } from '@gitops/settings';
import { minorOf, stepProblem } from '@gitops/settings/eks-versions';
import type { SynthesizedStack } from '../app.ts';
import { text } from '../recovery/identities.ts';
import { type Held, readDeclared, readHeld, type Resource } from '../recovery/stack-state.ts';
import { CLUSTER, HELD_ADDONS } from '../stacks/cluster.ts';
import { HELD_RELEASE, NODE_GROUP } from '../stacks/cluster-nodes.ts';
import type { Tofu } from '../tofu.ts';
import type { OfferedAddons } from './addons.ts';

// An upgrade of Kubernetes goes through a cluster in three steps: control plane, add-ons, nodes (EKS best practices guide,
// "Cluster upgrades"). Each is a plan of its own in which variables of the stack keep back what comes later. What is
// left to do follows from the state, so an upgrade that was stopped goes on where it was.

/** One apply of a stack. */
export interface Step {
  /** What it upgrades, in words. */
  readonly title: string;
  /** The variables that keep back what comes after it, as arguments of `tofu plan` and `tofu apply`. */
  readonly args: readonly string[];
}

/** The versions of Kubernetes that a cluster runs, by its state. */
interface Running {
  readonly controlPlane: string;
  /** Undefined where there are no nodes yet. */
  readonly nodes: { readonly version: string; readonly release: string } | undefined;
}

/**
 * The steps in which a stack is applied; none where it is applied at once, because nothing is upgraded.
 * @param root the repository's folder, where the settings are
 * Throws SettingsError for a version that EKS would refuse, or that lacks one of the add-ons, and CommandError where the
 * state cannot be read.
 */
export async function upgradeSteps(
  tofu: Tofu,
  stack: SynthesizedStack,
  root: string,
  addons: OfferedAddons,
): Promise<readonly Step[]> {
  const { region, resources } = readDeclared(stack);
  const cluster = resources.find(({ to }) => to === CLUSTER);
  if (cluster === undefined) return [];
  const running = runningIn(await readHeld(tofu, stack));
  const wanted = text(cluster.values, 'version');
  let rule = running === undefined ? undefined : versionProblem(running, wanted);
  if (rule === undefined && running?.controlPlane !== wanted)
    rule = addonProblem(resources, wanted, await addons(region, wanted));
  if (rule !== undefined)
    throw new SettingsError([settingProblem(root, text(cluster.values, 'name'), ['kubernetesVersion'], rule)]);
  return running === undefined ? [] : stepsTo(wanted, running);
}

/**
 * Why the add-ons cannot follow to a version, as a rule for the setting. Said before the first step: when the add-ons'
 * turn comes, the control plane is there already, and never goes back.
 */
function addonProblem(resources: readonly Resource[], wanted: string, offered: readonly string[]): string | undefined {
  const missing: string[] = [];
  for (const { type, values } of resources)
    if (type === 'aws_eks_addon' && !offered.includes(text(values, 'addon_name')))
      missing.push(text(values, 'addon_name'));
  if (missing.length === 0) return undefined;
  return (
    `must be a version that EKS has every add-on for; for ${wanted} it recommends no version of ` +
    `${missing.sort().join(', ')} (\`aws eks describe-addon-versions --kubernetes-version ${wanted}\`)`
  );
}

function runningIn(held: Held): Running | undefined {
  const cluster = held.get(CLUSTER);
  if (cluster === undefined) return undefined;
  const nodes = held.get(NODE_GROUP);
  return {
    controlPlane: text(cluster, 'version'),
    nodes:
      nodes === undefined ? undefined : { version: text(nodes, 'version'), release: text(nodes, 'release_version') },
  };
}

/**
 * Why EKS would refuse a version, as a rule for the setting; undefined where it would not. EKS API reference,
 * UpdateClusterVersion: all node groups are at the version of the control plane before.
 */
export function versionProblem({ controlPlane, nodes }: Running, wanted: string): string | undefined {
  const rule = stepProblem(controlPlane, wanted);
  if (rule !== undefined) return rule;
  if (minorOf(wanted) > minorOf(controlPlane) && nodes !== undefined && nodes.version !== controlPlane)
    return `must be ${controlPlane} until the nodes run it too: they run ${nodes.version}; set it, apply, and upgrade then`;
  return undefined;
}

/** The steps to a version that EKS accepts. */
export function stepsTo(wanted: string, { controlPlane, nodes }: Running): readonly Step[] {
  const isBehind = controlPlane !== wanted || (nodes !== undefined && nodes.version !== wanted);
  if (!isBehind) return [];
  const keep = (variable: string, value: string): string => `-var=${variable}=${value}`;
  const heldNodes = nodes === undefined ? [] : [keep(HELD_RELEASE, nodes.release)];
  const steps: Step[] = [];
  if (controlPlane !== wanted)
    steps.push({
      title: `the control plane, ${controlPlane} → ${wanted}`,
      args: [keep(HELD_ADDONS, controlPlane), ...heldNodes],
    });
  steps.push({ title: `the add-ons, for ${wanted}`, args: heldNodes });
  steps.push({ title: nodes === undefined ? 'all else' : `the nodes, ${nodes.release} → ${wanted}`, args: [] });
  return steps;
}

/** `Kubernetes 1.36 in 3 steps:`, and a line for each. */
export const inWords = (steps: readonly Step[]): string =>
  ['an upgrade of Kubernetes, in this order:', ...steps.map(({ title }, index) => `  ${index + 1}. ${title}`)].join(
    '\n',
  );

import type { KubernetesObject } from '../kubernetes/object.ts';
import { workloads } from '../kubernetes/workload.ts';
import type { Problem } from './problem.ts';
import { configurationRules } from './rules/configuration.ts';
import { containerRules } from './rules/containers.ts';
import { loadBalancerRules } from './rules/load-balancer.ts';
import { metadataRules } from './rules/metadata.ts';
import { rolloutRules } from './rules/rollout.ts';
import type { Rule } from './rules/rule.ts';
import { scalingRules } from './rules/scaling.ts';
import { selectorRules } from './rules/selectors.ts';
import { wayInRules } from './rules/ways-in.ts';

export type { Rule } from './rules/rule.ts';

/** What the rules have to know beyond the objects. */
export interface RuleFacts {
  /** How long the service keeps an idle connection, in seconds: keepAlive in service/src/timings.ts. */
  readonly keepAliveSeconds: number;
  /** Whether the cluster has load balancers that lead to the application. True by default. */
  readonly isExposed?: boolean;
  /** Names of rules that do not hold. */
  readonly excused?: readonly string[];
}

/** The rules that hold for every workload of ours, each on its own. */
export const workloadRules = ({ keepAliveSeconds, isExposed = true }: RuleFacts): Rule[] => [
  ...selectorRules,
  ...wayInRules(isExposed),
  ...rolloutRules,
  ...loadBalancerRules(keepAliveSeconds),
  ...scalingRules,
  ...containerRules,
  ...metadataRules,
  ...configurationRules,
];

/** What the objects of one Application break. One without a workload, such as Argo CD's projects, is not meant. */
export const workloadProblems = (objects: readonly KubernetesObject[], facts: RuleFacts): Problem[] =>
  workloads(objects).length === 0
    ? []
    : workloadRules(facts).flatMap(({ name, check }) => (facts.excused?.includes(name) === true ? [] : check(objects)));

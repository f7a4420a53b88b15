import { wrongHealthChecks } from './argocd/health.ts';
import { unknownSettings } from './argocd/known-settings.ts';
import { unknownOptions } from './argocd/options.ts';
import { wrongPolicies } from './argocd/policy.ts';
import { otherRights } from './argocd/rights.ts';
import { unsafeSelfManagement } from './argocd/self-management.ts';
import { brokenPromises } from './argocd/sets.ts';
import { dependentOnCapabilities } from './capabilities.ts';
import { undefinedKinds } from './definitions.ts';
import { differencesBetweenRenders } from './determinism.ts';
import { wrongClusterInNotifications } from './facts/argocd-cluster.ts';
import { foreignAwsNames } from './facts/aws-places.ts';
import { claimedTwice } from './facts/hosts.ts';
import { wrongPlatforms } from './facts/image-platforms.ts';
import { impossibleNodes } from './facts/node-labels.ts';
import { unpublishedNames } from './facts/published-names.ts';
import { unreadableSecrets } from './facts/secret-keys.ts';
import { wrongServiceSettings } from './facts/service-settings.ts';
import { faultSwitches } from './fault-switches.ts';
import { flowProblems } from './flows.ts';
import { freezeProblems } from './freezes.ts';
import { replacedLists } from './lists.ts';
import { severalMakers } from './makers.ts';
import { monitorsWithoutTargets } from './monitors.ts';
import { nodeCapacityProblems } from './node-capacity.ts';
import { podSecurityViolations } from './pod-security.ts';
import { wrongGrants } from './project-grants.ts';
import { forbiddenByProjects } from './projects.ts';
import { wrongPrometheusRules } from './prometheus-rules.ts';
import type { Invariant } from './proof.ts';
import { unresolvedReferences } from './references.ts';
import { unnoticedFiles } from './refresh.ts';
import { wrongRetries } from './retries.ts';
import { schemaProblems } from './schemas.ts';
import { secretsInGit } from './secrets.ts';
import { changedSelectors } from './selectors.ts';
import { duplicateKeys } from './unique-keys.ts';
import { brokenWorkloadRules } from './workloads.ts';

/** Where one of these is broken, what the others find in the objects only follows from it: they are not asked. */
const PREMISES: readonly Invariant[] = [
  {
    name: 'lists',
    intent: 'No values file takes an entry from a list of an earlier one without a word.',
    prove: replacedLists,
  },
  {
    name: 'makers',
    intent: 'One ApplicationSet makes an Application, and one Application renders an object.',
    prove: severalMakers,
  },
];

const REST: readonly Invariant[] = [
  {
    name: 'references',
    intent: 'Every name by which one object needs another is that of an object which its cluster has.',
    prove: unresolvedReferences,
  },
  {
    name: 'definitions',
    intent: 'The definition of every kind comes to its cluster, and before the objects that cannot wait for it.',
    follows: ['references'],
    prove: undefinedKinds,
  },
  {
    name: 'strict schemas',
    intent: 'Every supported Kubernetes knows every object and every field of it.',
    prove: schemaProblems,
  },
  {
    name: 'workload rules',
    intent: 'The fields of an application fit each other: probes, ports, selectors, shutdown, load balancer, scaling.',
    follows: ['references', 'definitions'],
    prove: brokenWorkloadRules,
  },
  {
    name: 'monitors',
    intent: 'Every monitor of ours selects a Service or pods that are there, by a port that they have, and none twice.',
    follows: ['references', 'definitions'],
    prove: monitorsWithoutTargets,
  },
  {
    name: 'Prometheus rules',
    intent: 'Every rule of ours parses; every alert has a name of its own, a severity that is routed, and a runbook.',
    prove: wrongPrometheusRules,
  },
  {
    name: 'reachability',
    intent: 'The NetworkPolicies open the connections that our service needs, and no other.',
    follows: ['references', 'definitions'],
    prove: flowProblems,
  },
  {
    name: 'capacity',
    intent: 'A cluster holds all its pods at their maximum when it loses a zone.',
    needs: 'cluster',
    prove: nodeCapacityProblems,
  },
  {
    name: 'fault switches',
    intent: 'Nobody can make answers fail but in a cluster of a developer.',
    prove: faultSwitches,
  },
  {
    name: 'AWS names',
    intent: 'Every ARN and every registry is in the account and region that the settings of the cluster say.',
    prove: foreignAwsNames,
  },
  {
    name: 'published names',
    intent: 'Names that AWS and its controller publish, such as those of TLS policies, are written as published.',
    prove: unpublishedNames,
  },
  {
    name: 'keys of secrets',
    intent: 'The role of External Secrets may read every secret that is asked for.',
    prove: unreadableSecrets,
  },
  {
    name: 'node labels',
    intent: 'Every node that a pod asks for can exist in its cluster.',
    prove: impossibleNodes,
  },
  {
    name: 'platforms of images',
    intent: 'Every image runs on the nodes of its cluster.',
    prove: wrongPlatforms,
  },
  {
    name: "service's settings",
    intent: 'A service reads every setting that it is given, and starts with it.',
    prove: wrongServiceSettings,
  },
  {
    name: 'secrets',
    intent: 'No value in Git is a secret.',
    prove: secretsInGit,
  },
  {
    name: 'hosts',
    intent: 'Every host and domain leads to one cluster, and there to one load balancer.',
    prove: claimedTwice,
  },
  {
    name: 'notifications',
    intent: "Argo CD's notifications name the cluster that they come from.",
    prove: wrongClusterInNotifications,
  },
  {
    name: 'selectors',
    intent: 'The selectors of workloads never change.',
    prove: changedSelectors,
  },
  {
    name: 'projects',
    intent: 'Argo CD is allowed to apply every object.',
    follows: ['references', 'definitions'],
    prove: forbiddenByProjects,
  },
  {
    name: "on-call's switch",
    intent: 'A rollback stays, and all else follows Git: what every ApplicationSet and root promise.',
    prove: brokenPromises,
  },
  {
    name: "Argo CD's options",
    intent: 'Argo CD knows every option, hook and wave that an object asks for.',
    prove: unknownOptions,
  },
  {
    name: 'Argo CD itself',
    intent: 'Each cluster on AWS runs one Argo CD, upgraded in order, and what it cannot lose is never pruned.',
    needs: 'cluster',
    prove: unsafeSelfManagement,
  },
];

/** The invariants that read only rendered objects; cheap enough for hundreds of variants. */
export const OF_OBJECTS: readonly Invariant[] = [
  ...PREMISES,
  ...REST.map((invariant) => ({
    ...invariant,
    follows: [...PREMISES.map(({ name }) => name), ...(invariant.follows ?? [])],
  })),
];

/** Every invariant of the repository; those after OF_OBJECTS render again, or check how objects are produced. */
export const ALL: readonly Invariant[] = [
  ...OF_OBJECTS,
  {
    name: 'grants of projects',
    intent:
      'Every grant of a project is used and says what it allows; no developer reaches Argo CD, Kubernetes or the cluster.',
    needs: 'fleet',
    prove: wrongGrants,
  },
  {
    name: "Argo CD's settings",
    intent: 'Argo CD knows every setting, and can read its value.',
    prove: unknownSettings,
  },
  {
    name: 'rights',
    intent: 'Every line of the policies grants something, to a role that somebody has.',
    prove: wrongPolicies,
  },
  {
    name: 'table of rights',
    intent: 'Argo CD itself answers for each role what argocd/rights.yaml says of it, and nothing to anybody else.',
    follows: ['rights'],
    prove: otherRights,
  },
  {
    name: 'health checks',
    intent: 'Every health check of ours judges the recorded states as they say.',
    needs: 'fleet',
    prove: wrongHealthChecks,
  },
  {
    name: 'retries',
    intent: 'A sync that fails is tried again with the newest commit, and that of a service not without end.',
    prove: wrongRetries,
  },
  {
    name: 'refresh',
    intent: 'Argo CD notices a push to any file that an application reads.',
    prove: unnoticedFiles,
  },
  {
    name: 'Pod Security',
    intent: 'No pod violates the Pod Security level of its namespace.',
    needs: 'cluster',
    prove: podSecurityViolations,
  },
  {
    name: 'determinism',
    intent: 'Two renders of the same tree are equal.',
    prove: differencesBetweenRenders,
  },
  {
    name: 'capabilities',
    intent: 'Every supported Kubernetes gets the same objects, whatever else is installed.',
    prove: dependentOnCapabilities,
  },
  {
    name: 'freezes',
    intent: 'Argo CD understands every freeze, and every freeze ends.',
    prove: freezeProblems,
  },
  {
    name: 'unique keys',
    intent: 'No template writes a key twice.',
    prove: duplicateKeys,
  },
];

import {
  AdmissionregistrationV1Api,
  CoreV1Api,
  type KubeConfig,
  KubernetesObjectApi,
  NetworkingV1Api,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { FrontDoor } from './front-door.ts';
import { type ClusterState, type Ingress, keyOf, type Pod } from './kubernetes.ts';
import { admissionPolicy, MANAGED_BY, missingConditions } from './readiness-gates.ts';
import { isForLoadBalancer } from './routes.ts';

// What the AWS Load Balancer Controller writes to the cluster. It writes no finalizer (the controller's is
// ingress.k8s.aws/resources): nothing of a load balancer outlives the front door, and with a finalizer the deletion of an
// Ingress would wait for it.

const FIELD_MANAGER = 'front-door';

/** After this time a write that did not succeed, or that somebody else undid, is tried again. */
const REPEAT_MILLISECONDS = 2000;

/** The name under which clients reach the load balancer. */
const ADDRESS = 'localhost';

const strategic = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isGone = (error: unknown): boolean => (error as { code?: number }).code === 404;

export interface Controller {
  /** Writes what differs from the objects of the cluster. What fails is tried again at a later call. */
  reconcile(state: ClusterState): void;
}

/**
 * @param port where the load balancer listens
 * @param log gets a line for each failed write
 */
export function createController(
  config: KubeConfig,
  door: FrontDoor,
  port: number,
  log: (line: string) => void,
): Controller {
  const core = config.makeApiClient(CoreV1Api);
  const networking = config.makeApiClient(NetworkingV1Api);
  const admission = config.makeApiClient(AdmissionregistrationV1Api);
  const objects = KubernetesObjectApi.makeApiClient(config);
  /** What was written a moment ago, and may not have come back by the watch. */
  const written = new Map<string, string>();
  /** The last write to each object. */
  const writing = new Map<string, Promise<void>>();

  /** Writes each content once within some seconds, and after the write before: of two at a time, the older may win. */
  function once(key: string, content: unknown, write: () => Promise<unknown>): void {
    const text = JSON.stringify(content);
    if (written.get(key) === text) return;
    written.set(key, text);
    setTimeout(() => {
      if (written.get(key) === text) written.delete(key);
    }, REPEAT_MILLISECONDS).unref();
    const mine = (writing.get(key) ?? Promise.resolve())
      .then(write)
      .catch((error: unknown) => {
        if (!isGone(error)) log(`${key} was not written: ${messageOf(error)}`);
      })
      .then(() => {
        if (writing.get(key) === mine) writing.delete(key);
      });
    writing.set(key, mine);
  }

  function writeStatus(ingress: Ingress): void {
    const { namespace = '', name = '', uid = '' } = ingress.metadata ?? {};
    const [present, ...more] = ingress.status?.loadBalancer?.ingress ?? [];
    const key = `status of Ingress ${keyOf(ingress)} ${uid}`;
    if (more.length === 0 && present?.hostname === ADDRESS && present.ports?.[0]?.port === port) return;
    const balancer = { hostname: ADDRESS, ports: [{ port, protocol: 'TCP' }] };
    const body = { status: { loadBalancer: { ingress: [balancer] } } };
    once(key, body, () =>
      networking.patchNamespacedIngressStatus({ name, namespace, body, fieldManager: FIELD_MANAGER }, merge),
    );
  }

  function writeGates(pod: Pod, groups: Parameters<typeof missingConditions>[1]): void {
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    const key = `readiness gate of pod ${keyOf(pod)} ${uid}`;
    const conditions = missingConditions(pod, groups);
    if (conditions.length === 0) return;
    // The uid: never the conditions of a later pod with the same name.
    const body = { metadata: { uid }, status: { conditions } };
    const content = conditions.map(({ type, status, reason, message }) => [type, status, reason, message]);
    once(key, content, () =>
      core.patchNamespacedPodStatus({ name, namespace, body, fieldManager: FIELD_MANAGER }, strategic),
    );
  }

  let policies = '';

  /** Makes the policies of all target groups, and deletes those of others. */
  async function writePolicies(): Promise<void> {
    const wanted = door.model().targetGroups.filter(({ selector }) => Object.keys(selector).length > 0);
    const all = wanted.flatMap(admissionPolicy);
    for (const object of all)
      await objects.patch(object, undefined, undefined, FIELD_MANAGER, true, PatchStrategy.ServerSideApply);
    const names = new Set(all.map(({ metadata }) => metadata.name));
    const [labelSelector] = Object.entries(MANAGED_BY).map(([label, value]) => `${label}=${value}`);
    const { items } = await admission.listMutatingAdmissionPolicy(labelSelector === undefined ? {} : { labelSelector });
    for (const { metadata } of items) {
      const name = metadata?.name ?? '';
      if (names.has(name)) continue;
      await admission.deleteMutatingAdmissionPolicyBinding({ name });
      await admission.deleteMutatingAdmissionPolicy({ name });
    }
  }

  return {
    reconcile(state) {
      state.ingresses.filter(isForLoadBalancer).forEach(writeStatus);
      // Without those that only drain: the gates of a deleted target group open.
      const present = new Set(door.model().targetGroups.map(({ name }) => name));
      const groups = new Map(
        door
          .groups()
          .filter(({ spec }) => present.has(spec.name))
          .map((group) => [group.spec.name, group]),
      );
      const pods = state.pods.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
      for (const pod of pods) writeGates(pod, groups);
      const content = JSON.stringify(door.model().targetGroups.map(admissionPolicy));
      if (content === policies) return;
      policies = content;
      writePolicies().catch((error: unknown) => {
        policies = '';
        log(`admission policies were not written: ${messageOf(error)}`);
      });
    },
  };
}

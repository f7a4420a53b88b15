import type { KubernetesObject } from '../object.ts';
import { autoscalerOf, keepsReplicas } from '../workload.ts';
import type { Finding } from './change.ts';
import type { FieldChange } from './fields.ts';

/** A workload, and the objects beside it. */
interface Side {
  readonly workload: KubernetesObject;
  readonly objects: readonly KubernetesObject[];
}

/** What a change of spec.replicas does, which depends on the autoscaler before and after it. */
export function replicasFinding(old: Side, fresh: Side, { before, after }: FieldChange): Finding {
  const autoscalerBefore = autoscalerOf(old.workload, old.objects);
  const autoscalerAfter = autoscalerOf(fresh.workload, fresh.objects);
  if (after === undefined && autoscalerAfter !== undefined) {
    const consequence = 'the autoscaler owns the number of pods from now on';
    if (keepsReplicas(fresh.workload))
      return {
        kind: 'replicas-handover',
        effect: 'changed',
        consequence: `${consequence}; it begins with the pods that run`,
      };
    if (autoscalerBefore !== undefined) return { kind: 'replicas-handover', effect: 'changed', consequence };
    // Kubernetes, "Server-Side Apply", "Transferring ownership": a field that no other manager owns yet falls back to
    // its default.
    const least = autoscalerAfter.spec?.minReplicas ?? 1;
    const gap = `the API server falls back to 1 pod until the new autoscaler's first pass (15 s) asks for ${least}`;
    return { kind: 'replicas-handover', effect: 'changed', consequence: `${consequence}; ${gap}` };
  }
  if (autoscalerBefore !== undefined && autoscalerAfter === undefined)
    return {
      kind: 'replicas-handover',
      effect: 'changed',
      consequence: `Git owns the number of pods again: it changes to ${shown(after ?? 1)} at once`,
    };
  if (after === undefined)
    return {
      kind: 'replicas-handover',
      effect: 'changed',
      consequence: `the number of pods has no owner any more: the API server falls back from ${shown(before)} to 1`,
    };
  return {
    kind: 'change',
    effect: 'changed',
    consequence:
      autoscalerAfter === undefined
        ? `the number of pods changes to ${shown(after)}`
        : 'Argo CD and the autoscaler overwrite each other',
  };
}

const shown = (value: unknown): string => JSON.stringify(value);

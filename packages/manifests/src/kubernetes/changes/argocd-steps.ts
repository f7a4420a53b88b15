import { argocdSteps } from '@gitops/tools/charts';
import type { KubernetesObject } from '../object.ts';
import { isNewer, skipsMinor } from '../version.ts';
import type { Finding } from './change.ts';

const STEP = /^spec\.generators\[(\d+)\]\.clusters\.values\.(chart|version)$/;

/**
 * What a new version of Argo CD means that does not come in order: of a step before the one above it has it, or without
 * the minor version in between. Undefined for all other changes; going back is always allowed.
 */
export function argocdStepFinding(was: KubernetesObject, is: KubernetesObject, path: string): Finding | undefined {
  const [, position, key] = STEP.exec(path) ?? [];
  if (is.kind !== 'ApplicationSet' || is.metadata.name !== 'argocd' || position === undefined) return undefined;
  const index = Number(position);
  const before = argocdSteps(was);
  const from = before[index];
  const to = argocdSteps(is)[index];
  if (from === undefined || to === undefined) return undefined;
  const name = key === 'chart' ? 'chart' : 'version';
  const refuse = (consequence: string): Finding => ({ kind: 'out-of-order', effect: 'changed', consequence });
  if (!isNewer(to[name], from[name])) return undefined;
  if (name === 'version' && skipsMinor(from.version, to.version))
    return refuse(`Argo CD is upgraded one minor version at a time: first the next one after ${from.version}`);
  const above = before[index - 1];
  if (above !== undefined && isNewer(to[name], above[name]))
    return refuse(`${above.cluster ?? 'the step above'} must run it first: merge that step alone, and this one later`);
  return undefined;
}

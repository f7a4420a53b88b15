import type { KubernetesObject } from '../kubernetes/object.ts';
import { configMaps, containersOf, workloads } from '../kubernetes/workload.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { renderedOnly } from '../render/rendered.ts';
import { objectProblem } from './location.ts';
import { OUR_SERVICE } from './our-service.ts';
import type { Problem } from './problem.ts';
import type { ProofContext } from './proof.ts';
import { containerPath, problem } from './rules/rule.ts';

/** Configuration that lets somebody make answers fail, in a cluster that is not on a developer's machine. */
export function faultSwitches(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    if (entry.cluster.provider === 'local') continue;
    for (const problem of settingsIn(entry.objects)) found.push(objectProblem(root, entry, problem));
  }
  return found;
}

const VARIABLE = OUR_SERVICE.faultsVariable;
const RULE = 'the fault switches are for clusters with provider: local alone';

/** Where the setting is written: in a ConfigMap, or in a container's own variables. */
function settingsIn(objects: readonly KubernetesObject[]): Problem[] {
  const maps = configMaps(objects).filter(({ data }) => data?.[VARIABLE] !== undefined);
  const found = maps.map((map) => problem(map, `data.${VARIABLE}`, RULE));
  for (const workload of workloads(objects))
    for (const container of containersOf(workload))
      if (container.env?.some(({ name }) => name === VARIABLE) === true)
        found.push(problem(workload, containerPath(container, `env[${VARIABLE}]`), RULE));
  return found;
}

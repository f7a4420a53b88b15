import type { FleetApplication } from '../render/fleet.ts';
import { placed, renderedOnly } from '../render/rendered.ts';
import { objectProblem } from './location.ts';
import { OUR_SERVICE } from './our-service.ts';
import type { ProofContext } from './proof.ts';
import { excusedFrom } from './upstream-exceptions.ts';
import { workloadProblems } from './workload-rules.ts';

/** Every rule of proofs/rules, over each Application by itself; an upstream chart is excused from some. */
export function brokenWorkloadRules(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    const excused = entry.chart?.isUpstream === true ? excusedFrom(entry.chart.name) : [];
    const facts = { keepAliveSeconds: OUR_SERVICE.keepAliveSeconds, excused };
    for (const problem of workloadProblems(placed(entry), facts)) found.push(objectProblem(root, entry, problem));
  }
  return found;
}

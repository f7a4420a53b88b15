import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { nameOf } from '../kubernetes/object.ts';
import { workloads } from '../kubernetes/workload.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { renderedOnly } from '../render/rendered.ts';
import { objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

/** The committed selectors that no upgrade may change: by chart, then object. */
const SELECTORS = 'charts/selectors.json';

type Selectors = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Selectors that differ from the committed ones: Kubernetes refuses the change, so that the object must be deleted. */
export function changedSelectors(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const file = join(root, SELECTORS);
  const committed = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Selectors) : {};
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    if (entry.chart === undefined) continue;
    const { name: chart } = entry.chart;
    for (const workload of workloads(entry.objects)) {
      const object = nameOf(workload);
      const selector = workload.spec?.selector;
      const frozen = committed[chart]?.[object];
      const seen = JSON.stringify(selector);
      if (frozen === undefined)
        found.push(`${SELECTORS}:1: ${chart}: ${object} is new; add its selector to this file: ${seen}`);
      else if (!isDeepStrictEqual(frozen, selector)) {
        const kept = `must stay ${JSON.stringify(frozen)}, as in ${SELECTORS}`;
        const rule = `${kept}; Kubernetes refuses another one (it is ${seen})`;
        found.push(objectProblem(root, entry, { object, path: 'spec.selector', rule }));
      }
    }
  }
  return found;
}

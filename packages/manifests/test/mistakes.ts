import { ARGOCD } from './mistakes/argocd.ts';
import { CHART } from './mistakes/chart.ts';
import { EDITS } from './mistakes/edits.ts';
import { FACTS } from './mistakes/facts.ts';
import { MONITORING } from './mistakes/monitoring.ts';
import { NODES } from './mistakes/nodes.ts';
import { NUMBERS } from './mistakes/numbers.ts';
import { REFERENCES } from './mistakes/references.ts';
import { SECRETS } from './mistakes/secrets.ts';
import { SEMANTICS } from './mistakes/semantics.ts';
import type { Mistake } from './mistakes/slip.ts';
import { UPSTREAM } from './mistakes/upstream.ts';
import { VALUES } from './mistakes/values.ts';

/**
 * A hundred slips and more, as they happen: names, types, levels, quotes, numbers that do not fit together, files in
 * the wrong place, templates, values that contradict a fact.
 */
export const MISTAKES: readonly Mistake[] = [
  ...VALUES,
  ...NUMBERS,
  ...ARGOCD,
  ...CHART,
  ...MONITORING,
  ...UPSTREAM,
  ...REFERENCES,
  ...EDITS,
  ...FACTS,
  ...NODES,
  ...SECRETS,
  ...SEMANTICS,
];

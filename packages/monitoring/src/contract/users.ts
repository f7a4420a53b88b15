import type { Dashboard, Panel } from '../panel.ts';
import { withVariables } from '../variables.ts';

/** One expression that asks for metrics, and the labels of its answer that somebody reads. */
export interface User {
  /** "PrometheusRule service: alert RequestsShed", "src/dashboards/slo.ts: Alerts". */
  readonly place: string;
  readonly expr: string;
  /** Labels that a legend, a table or an annotation shows. */
  readonly shown: readonly string[];
}

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
/** A rule, and the name of the PrometheusRule that has it. */
export interface NamedRule extends Rule {
  readonly of: string;
}

interface PrometheusRule {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly groups?: readonly { readonly rules: readonly Rule[] }[] };
}

/** The rules of all PrometheusRules among some objects. */
export function rulesOf(objects: readonly PrometheusRule[]): NamedRule[] {
  const rules: NamedRule[] = [];
  for (const { kind, metadata, spec } of objects)
    for (const { rules: ofGroup } of kind === 'PrometheusRule' ? (spec?.groups ?? []) : [])
      rules.push(...ofGroup.map((rule) => ({ ...rule, of: metadata.name })));
  return rules;
}

export function usersOfRules(rules: readonly NamedRule[]): User[] {
  return rules.map(({ of, record, alert, expr, labels = {}, annotations = {} }) => {
    const texts = [...Object.values(labels), ...Object.values(annotations)].join('\n');
    const read = Array.from(texts.matchAll(/\$labels\.(\w+)/g), ([, label]) => String(label));
    return {
      place: `PrometheusRule ${of}: ${alert === undefined ? `record ${String(record)}` : `alert ${alert}`}`,
      expr,
      // A label that the rule itself adds is there.
      shown: read.filter((label) => !(label in labels)),
    };
  });
}

export function usersOfDashboards(dashboards: Readonly<Record<string, Dashboard>>): User[] {
  const users: User[] = [];
  for (const [name, { rows, variables }] of Object.entries(dashboards)) {
    const file = `src/dashboards/${name}.ts`;
    for (const { name: variable, series } of variables)
      users.push({ place: `${file}: variable ${variable}`, expr: withVariables(series), shown: [variable] });
    for (const { title, panels } of rows)
      users.push(...panels.flatMap((panel) => usersOfPanel(panel, `${file}: ${title}/${panel.title}`)));
  }
  return users;
}

function usersOfPanel({ queries, columns = {} }: Panel, place: string): User[] {
  return queries.map(({ expr, legend }) => {
    const named = Array.from(legend.matchAll(/\{\{\s*(\w+)\s*\}\}/g), ([, label]) => String(label));
    return { place, expr: withVariables(expr), shown: [...named, ...Object.keys(columns)] };
  });
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupOf, type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { isDuration, syntaxError } from '../kubernetes/promql.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../render/rendered.ts';
import { sourcesOf } from '../render/renderer.ts';
import { objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr?: string | number;
  readonly for?: unknown;
  readonly keep_firing_for?: unknown;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface PrometheusRule extends KubernetesObject {
  readonly spec?: {
    readonly groups?: readonly {
      readonly name?: string;
      readonly interval?: unknown;
      readonly rules?: readonly Rule[];
    }[];
  };
}

/** What Alertmanager's routes know (charts/monitoring/templates/alertmanager.yaml). */
const SEVERITIES = ['page', 'ticket', 'watchdog'];

/** Rules of ours that Prometheus would refuse, or that would call people without saying what to do. */
export function wrongPrometheusRules(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  const entries = renderedOnly(fleet);
  for (const entry of entries) {
    if (entry.chart?.isUpstream === true) continue;
    const others = entries.filter((other) => other.cluster.name === entry.cluster.name && other !== entry);
    const taken = new Set(others.flatMap(({ objects }) => alertsOf(objects)));
    for (const { object, name, rule } of ruleProblems(entry.objects, taken))
      found.push(`${placeOf(root, entry, object, name)} ${name}: ${rule}`);
  }
  return found;
}

/** A problem of a rule, `name` being the alert's, the recorded series' or the group's. */
interface RuleProblem {
  readonly object: KubernetesObject;
  readonly name: string;
  readonly rule: string;
}

/**
 * What is wrong with the rules among some objects.
 * @param taken names of alerts that the cluster has from elsewhere
 */
export function ruleProblems(
  objects: readonly KubernetesObject[],
  taken: ReadonlySet<string> = new Set(),
): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const groups = new Set<string>();
  const alerts = new Set(taken);
  for (const { object, name, interval, rules } of groupsOf(objects)) {
    const inGroup = (rule: string): number => problems.push({ object, name, rule });
    if (groups.has(name)) inGroup('must be the only group of this name');
    groups.add(name);
    if (interval !== undefined && !isDuration(interval))
      inGroup(`interval: must be a duration (it is ${show(interval)})`);
    for (const rule of rules)
      for (const text of [...formProblems(rule), ...alertProblems(rule, alerts)])
        problems.push({ object, name: rule.alert ?? rule.record ?? name, rule: text });
  }
  return problems;
}

interface Group {
  readonly object: KubernetesObject;
  readonly name: string;
  readonly interval: unknown;
  readonly rules: readonly Rule[];
}

function groupsOf(objects: readonly KubernetesObject[]): Group[] {
  const found: Group[] = [];
  for (const object of objects.filter(isPrometheusRule))
    for (const { name = '', interval, rules = [] } of object.spec?.groups ?? [])
      found.push({ object, name, interval, rules });
  return found;
}

function formProblems(rule: Rule): string[] {
  const problems: string[] = [];
  if ((rule.alert === undefined) === (rule.record === undefined)) problems.push('must have either alert or record');
  const error = syntaxError(String(rule.expr ?? ''));
  if (error !== undefined) problems.push(`expr: must be PromQL; it does not parse ${error}`);
  for (const key of ['for', 'keep_firing_for'] as const)
    if (rule[key] !== undefined && !isDuration(rule[key]))
      problems.push(`${key}: must be a duration (it is ${show(rule[key])})`);
  return problems;
}

/** What is wrong with an alert beyond its form; its name is taken from then on. */
function alertProblems({ alert, labels = {}, annotations = {} }: Rule, taken: Set<string>): string[] {
  if (alert === undefined) return [];
  const problems: string[] = [];
  if (taken.has(alert)) problems.push('must be the only alert of this name');
  taken.add(alert);
  if (!SEVERITIES.includes(labels.severity ?? ''))
    problems.push(`labels.severity: must be ${SEVERITIES.join(', ')} (it is ${show(labels.severity)})`);
  for (const key of ['summary', 'description', 'runbook_url'])
    if ((annotations[key] ?? '').trim() === '') problems.push(`annotations.${key}: missing`);
  return problems;
}

const show = (value: unknown): string => (value === undefined ? 'absent' : JSON.stringify(value));

const isPrometheusRule = (object: KubernetesObject): object is PrometheusRule =>
  object.kind === 'PrometheusRule' && groupOf(object) === 'monitoring.coreos.com';

const alertsOf = (objects: readonly KubernetesObject[]): string[] =>
  groupsOf(objects).flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []));

/**
 * `file:line: application object` of a rule: in the chart's file of rules that has the object's name, else in the template
 * of its kind.
 */
function placeOf(root: string, entry: RenderedApplication, object: KubernetesObject, name: string): string {
  const generic = objectProblem(root, entry, { object: nameOf(object), path: '', rule: '' }).replace(/: $/, '');
  for (const { path } of sourcesOf(entry.application)) {
    const file = join(path ?? '', 'rules', `${object.metadata.name}.yaml`);
    if (path === undefined || !existsSync(join(root, file))) continue;
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    const line = lines.findLastIndex(
      (text) => /^ *(- )?(alert|record|name): /.test(text) && text.endsWith(`: ${name}`),
    );
    return generic.replace(/^[^:]*:\d+/, `${file}:${line + 1}`);
  }
  return generic;
}

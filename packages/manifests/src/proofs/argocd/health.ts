import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readYamlFile, type YamlFile } from '@gitops/settings/yaml-file';
import type { KubernetesObject } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import type { Health, Renderer } from '../../render/renderer.ts';
import { filesBelow } from '../../render/tree.ts';
import type { ProofContext } from '../proof.ts';
import { argocdSettings, type Setting, settingProblem } from './values.ts';

const PREFIX = 'resource.customizations.health.';

/** The folder of recorded states: a file for each kind that has a health check of ours, named as its setting. */
export const RECORDED = 'argocd/health';

/** A state of an object as a cluster had it, and what the health check must say of it. */
export interface RecordedState {
  readonly name: string;
  readonly health: Health;
  readonly object: KubernetesObject;
}

/** A health check of our own, in Lua. */
interface Check {
  /** argoproj.io_Application */
  readonly kind: string;
  readonly setting: Setting;
}

/**
 * Health checks that do not parse, fail, or judge a recorded state otherwise than it says; kinds without recorded
 * states, and states of kinds without a check. Argo CD's own Lua machine runs them.
 */
export async function wrongHealthChecks(
  fleet: readonly FleetApplication[],
  { root, renderer }: ProofContext,
): Promise<string[]> {
  const checks = healthChecks(fleet, root);
  const problems: string[] = [];
  for (const file of filesBelow(root, RECORDED))
    if (!checks.some(({ kind }) => file === `${RECORDED}/${kind}.yaml`))
      problems.push(`${file}:1: the file: no health check reads it; its name must be GROUP_KIND.yaml of one`);
  for (const check of checks) problems.push(...(await checkProblems(check, root, renderer)));
  return problems;
}

async function checkProblems({ kind, setting }: Check, root: string, renderer: Renderer): Promise<string[]> {
  const key = `${PREFIX}${kind}`;
  const path = `${RECORDED}/${kind}.yaml`;
  const problems: string[] = [];
  const file = existsSync(join(root, path)) ? readYamlFile(root, path) : undefined;
  if (file === undefined)
    problems.push(settingProblem('cm', key, { ...setting, textOffset: 0 }, `no recorded states: write ${path}`));
  const states = file === undefined ? [] : statesOf(file);
  // Without any state, it is at least parsed.
  const objects = states.length > 0 ? states.map(({ object }) => object) : [emptyObject(kind)];
  const answers = await renderer.health(objects.map((object) => ({ object, script: setting.value })));
  for (const [index, answer] of answers.entries()) {
    const state = states[index];
    if (!answer.ok && isParseError(answer.error))
      return [...problems, settingProblem('cm', key, setting, oneLine(answer.error), lineIn(answer.error))];
    if (state === undefined) continue;
    if (!answer.ok) {
      const rule = `recorded state "${state.name}": ${oneLine(answer.error)}`;
      problems.push(settingProblem('cm', key, setting, rule, lineIn(answer.error)));
    } else if (!isSame(answer.value, state.health)) {
      const place = file?.position(['states', String(index)]) ?? `${path}:1`;
      const rule = `must be ${inWords(state.health)}; the health check of ${setting.file} says ${inWords(answer.value)}`;
      problems.push(`${place}: states.${index}.health: "${state.name}" ${rule}`);
    }
  }
  return problems;
}

/** As Lua writes it: `<string> line:3(column:9) near 'x': syntax error`, or `<string> at EOF: syntax error`. */
const isParseError = (error: string): boolean => /<string> (at EOF|line:)/.test(error);

/** The health checks of all clusters, each once. */
export function healthChecks(fleet: readonly FleetApplication[], root: string): Check[] {
  const checks = new Map<string, Check>();
  for (const cluster of new Set(fleet.map((entry) => entry.cluster.name)))
    for (const [key, setting] of argocdSettings(root, cluster, 'cm'))
      if (key.startsWith(PREFIX)) checks.set(`${key} ${setting.value}`, { kind: key.slice(PREFIX.length), setting });
  return [...checks.values()];
}

/** The states of a file; none where it cannot be read, which is reported with all other files. */
export const statesOf = ({ content }: YamlFile): readonly RecordedState[] =>
  Array.isArray(content.states) ? (content.states as RecordedState[]) : [];

function emptyObject(name: string): KubernetesObject {
  const [group, kind = group] = name.split('_');
  return { apiVersion: `${group ?? ''}/v1`, kind: kind ?? '', metadata: { name: 'empty' } };
}

/** The line that Lua names, from 1: `<string> line:3(column:9)` where it does not parse, `<string>:3:` where it fails. */
const lineIn = (error: string): number => Number(/<string>(?: line)?:(\d+)/.exec(error)?.[1] ?? 1);

const oneLine = (text: string): string => text.trim().split('\n')[0]?.trim() ?? '';

const isSame = (a: Health, b: Health): boolean => a.status === b.status && a.message === b.message;

const inWords = ({ status, message }: Health): string =>
  status === '' ? 'nothing' : message === '' ? status : `${status} (${message})`;

import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { settingProblem, SettingsError, sortClusters } from '@gitops/settings';
import type { SynthesizedStack } from '../app.ts';
import { readDeclared } from '../recovery/stack-state.ts';
import { dataFolder, jsonIn, type Tofu } from '../tofu.ts';
import { IN_WORDS, judge, type Judgement, type Refusal } from './judge.ts';
import { elsewhere, type Fact, factsOf, hasAnything, type Plan } from './plan-facts.ts';
import { readSettingChanges } from './table.ts';

/** What the plan of a stack does. */
export interface Planned extends Judgement {
  readonly facts: readonly Fact[];
  /** Whether nothing of the stack is there yet. */
  readonly isFirst: boolean;
}

/** Where a plan is kept until it is applied. It holds values of the state, and is deleted then. */
export const planFile = (platform: string, stack: string): string => join(dataFolder(platform, stack), 'plan');

/**
 * Reads a plan that was written to a file, and judges it by the table of settings.
 * @param accepted what ACCEPT names
 */
export async function readPlan(
  tofu: Tofu,
  stack: SynthesizedStack,
  file: string,
  accepted: readonly string[],
): Promise<Planned> {
  const printed = await tofu.capture(stack, ['show', '-json', file]);
  const plan = (jsonIn(printed) ?? {}) as Plan;
  const facts = [...factsOf(plan), ...elsewhere(plan, { ...readDeclared(stack), name: stack.name })];
  const isFirst = facts.length > 0 && !hasAnything(plan);
  return { facts, isFirst, ...judge(facts, isFirst ? [] : readSettingChanges(), stack.name, accepted) };
}

/** What a plan does, in words: a line for each setting that was changed, and for each resource that none explains. */
export function planInWords({ facts, isFirst, shown, unexplained }: Planned): string {
  if (facts.length === 0 || isFirst) return '';
  const lines = shown.map(({ key, words }) => `  ${key}: ${words}`);
  const others = new Set(unexplained.map(({ action, address }) => `  ${address} is ${IN_WORDS[action]}`));
  return [
    ...(lines.length === 0 ? [] : ['by the settings:', ...lines]),
    ...(others.size === 0 ? [] : ['by no setting (code, what AWS recommends, or a change by hand):', ...others]),
  ].join('\n');
}

/**
 * Throws SettingsError, or CommandError where no setting is the cause, for what a plan must not do unless it is accepted.
 * @param root the repository's folder
 */
export function requireAllowed({ refused }: Judgement, { name, cluster }: SynthesizedStack, root: string): void {
  if (refused.length === 0) return;
  const problems = refused.map(({ key, reason, accept }) => {
    const rule = accept === undefined ? reason : `${reason} (meant? then add ACCEPT=${accept})`;
    return key === undefined
      ? `${name}: ${rule}`
      : settingProblem(root, cluster ?? anyCluster(root), key.split('.'), rule);
  });
  throw refused.some(({ key }) => key !== undefined)
    ? new SettingsError(problems)
    : new CommandError(problems, adviceOn(refused));
}

/** What an account has once is made of settings that all clusters share. */
function anyCluster(root: string): string {
  const found = sortClusters(root).clusters.find(({ provider }) => provider === 'aws');
  if (found === undefined) throw new Error('no cluster is on AWS');
  return found.name;
}

const adviceOn = (refused: readonly Refusal[]): string =>
  `find out why; where it is meant, run the command again with ACCEPT=${refused.flatMap(({ accept = [] }) => accept).join(',')}`;

/** The things that a text names: `a,b c`. */
export const acceptedIn = (text = ''): string[] => text.split(/[\s,]+/).filter((thing) => thing !== '');

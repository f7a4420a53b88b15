import { type Fact, isOf } from './plan-facts.ts';
import type { Pattern, SettingChange } from './table.ts';

/** What a plan does, by the table of settings. */
export interface Judgement {
  /** The settings whose change the plan shows. */
  readonly shown: readonly SettingChange[];
  /** What no setting explains: changed code, what AWS recommends, what somebody did by hand. */
  readonly unexplained: readonly Fact[];
  readonly refused: readonly Refusal[];
}

/** Something that is not applied. */
export interface Refusal {
  /** The setting that it is about; undefined for what no setting explains. */
  readonly key: string | undefined;
  readonly reason: string;
  /** What ACCEPT has to name; undefined where nothing helps. */
  readonly accept: string | undefined;
}

/**
 * Judges a plan.
 * @param stack its name, which is part of what ACCEPT names
 * @param accepted what ACCEPT names
 */
export function judge(
  facts: readonly Fact[],
  table: readonly SettingChange[],
  stack: string,
  accepted: readonly string[] = [],
): Judgement {
  const shown = settingsShownBy(facts, table);
  const refused: Refusal[] = [];
  const refuse = (key: string | undefined, thing: string, reason: string, isFinal: boolean): void => {
    const accept = isFinal ? undefined : `${stack}/${thing}`;
    if (accept !== undefined && accepted.includes(accept)) return;
    if (!refused.some((other) => other.key === key && other.reason === reason)) refused.push({ key, reason, accept });
  };
  const explained = new Set(facts.filter((fact) => isOf(fact, TOLD)));
  const explain = (patterns: readonly Pattern[]): boolean => {
    const found = facts.filter((fact) => matches(fact, patterns));
    for (const fact of found) explained.add(fact);
    return found.length > 0;
  };
  for (const setting of shown) {
    explain([...setting.shows, ...setting.with]);
    if (explain(setting.never)) refuse(setting.key, setting.key, whyNot(setting), true);
    else if (explain(setting.asks)) refuse(setting.key, setting.key, whyNot(setting), false);
  }
  const unexplained = facts.filter((fact) => !explained.has(fact));
  // What is refused for good takes much else with it.
  const isRefused = refused.some(({ accept }) => accept === undefined);
  for (const { action, address } of isRefused ? [] : unexplained)
    if (action === 'delete' || action === 'replace' || action === 'renew')
      refuse(undefined, address, `${address} would be ${IN_WORDS[action]}, which no setting explains`, false);
  for (const { key, reason } of deadlyOrders(shown, facts)) refuse(key, key, reason, true);
  const isCause = ({ key }: SettingChange): boolean =>
    refused.some((refusal) => refusal.key === key && refusal.accept === undefined);
  return { shown: isRefused ? shown.filter(isCause) : shown, unexplained, refused };
}

/** What Argo CD is told of the cluster; it changes with the price of a node, for instance. */
const TOLD: Pattern = { action: 'update', address: /^helm_release\.root$/, path: undefined, value: undefined };

const whyNot = ({ words, around }: SettingChange): string => (around === undefined ? words : `${words}: ${around}`);

/** In words, as `would be …` ends. */
export const IN_WORDS = {
  create: 'created',
  update: 'changed in place',
  delete: 'deleted',
  replace: 'deleted and created anew',
  renew: 'created anew, and the old one deleted',
  elsewhere: 'left behind',
} as const;

const matches = (fact: Fact, patterns: readonly Pattern[]): boolean => patterns.some((pattern) => isOf(fact, pattern));

/**
 * The settings by which a plan can be explained. One whose signs all belong to the change of another is left out: a zone
 * that is added brings a gateway of its own, and `natGateways` did not change.
 */
function settingsShownBy(facts: readonly Fact[], table: readonly SettingChange[]): SettingChange[] {
  const signs = new Map<SettingChange, Fact[]>();
  for (const fact of facts) {
    const hits: { setting: SettingChange; isExact: boolean }[] = [];
    for (const setting of table) {
      const found = [...setting.shows, ...setting.asks, ...setting.never].filter((pattern) => isOf(fact, pattern));
      if (found.length > 0) hits.push({ setting, isExact: found.some(({ value }) => value !== undefined) });
    }
    const exact = hits.filter(({ isExact }) => isExact);
    for (const { setting } of exact.length > 0 ? exact : hits)
      signs.set(setting, [...(signs.get(setting) ?? []), fact]);
  }
  const isOthers = (fact: Fact, setting: SettingChange): boolean =>
    [...signs.keys()].some((other) => other !== setting && matches(fact, other.with));
  return [...signs].flatMap(([setting, found]) => (found.every((fact) => isOthers(fact, setting)) ? [] : [setting]));
}

/** Changes that each alone are right, and together are made in an order that does harm. */
function deadlyOrders(shown: readonly SettingChange[], facts: readonly Fact[]): { key: string; reason: string }[] {
  const keys = shown.map(({ key }) => key);
  const found: { key: string; reason: string }[] = [];
  const isRenewed = facts.some(({ action, address }) => action === 'renew' && address === 'aws_eks_node_group.nodes');
  if (keys.includes('kubernetesVersion') && isRenewed)
    found.push({
      key: 'kubernetesVersion',
      reason:
        'must not change together with what makes new nodes: they would come with the old version beside the upgrade of ' +
        'the control plane, and be replaced once more; apply one, and then the other',
    });
  const isAway = facts.some(
    ({ action, address, path }) =>
      action === 'update' && address === 'aws_eks_cluster.cluster' && path === 'deletion_protection',
  );
  const isLoss = shown.some(({ asks, never }) => facts.some((fact) => matches(fact, [...asks, ...never])));
  if (isAway && isLoss)
    found.push({
      key: 'deletionProtection',
      reason:
        'must not change together with what deletes something: AWS would no longer protect the cluster from it; apply ' +
        'one, and then the other',
    });
  return found;
}

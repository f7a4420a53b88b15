import { isDeepStrictEqual } from 'node:util';
import type { Declared } from '../recovery/stack-state.ts';
import type { Action, Pattern } from './table.ts';

type Values = Readonly<Record<string, unknown>>;

interface Change {
  readonly actions: readonly string[];
  readonly before: Values | null;
  readonly after: Values | null;
  readonly after_unknown?: unknown;
  readonly replace_paths?: readonly (readonly (string | number)[])[];
}

interface ResourceChange {
  readonly address: string;
  readonly mode: string;
  readonly change: Change;
}

/** A plan, as `tofu show -json` prints it; of it, what is read here. */
export interface Plan {
  readonly resource_changes?: readonly ResourceChange[];
  /** What is otherwise in AWS than the state has it. */
  readonly resource_drift?: readonly ResourceChange[];
}

/** One thing that a plan does. */
export interface Fact {
  readonly action: Action;
  /** aws_eks_cluster.cluster; the stack's name for `elsewhere`. */
  readonly address: string;
  /** The argument that changes or means another resource, `scaling_config.0.min_size`; empty for a whole resource. */
  readonly path: string;
  /** What is created or deleted. */
  readonly values: Values;
}

/** Everything that a plan does in AWS. */
export function factsOf({ resource_changes: changes = [] }: Plan): Fact[] {
  const facts: Fact[] = [];
  for (const { address, mode, change } of changes) {
    if (mode !== 'managed') continue;
    const { before, after } = change;
    const action = actionOf(change.actions);
    if (action === undefined) continue;
    for (const path of pathsOf(action, change))
      facts.push({ action, address, path, values: (action === 'delete' ? before : after) ?? {} });
  }
  return facts;
}

/** Whether something of the stack is in AWS, or was until now. */
export const hasAnything = ({ resource_changes: changes = [], resource_drift: drift = [] }: Plan): boolean =>
  [...changes, ...drift].some(({ mode, change }) => mode === 'managed' && change.before !== null);

/** OpenTofu names them in the order in which it does them. */
function actionOf(actions: readonly string[]): Exclude<Action, 'elsewhere'> | undefined {
  switch (actions.join()) {
    case 'create':
    case 'update':
    case 'delete':
      return actions[0] as 'create' | 'update' | 'delete';
    case 'delete,create':
      return 'replace';
    case 'create,delete':
      return 'renew';
    default:
      // Nothing, a data source that is read, and what is only forgotten.
      return undefined;
  }
}

function pathsOf(
  action: Action,
  { before, after, after_unknown: unknown, replace_paths: fixed = [] }: Change,
): string[] {
  if (action === 'update') {
    // What is known after the apply follows from the rest, unless it is all: a new version of what it refers to.
    const known = differences(before, after).filter((path) => !unknownIn(unknown).includes(path));
    return known.length > 0 ? known : unknownIn(unknown);
  }
  if ((action === 'replace' || action === 'renew') && fixed.length > 0) return fixed.map((path) => path.join('.'));
  return [''];
}

/** The paths of leaves that differ. */
function differences(before: unknown, after: unknown, path: readonly string[] = []): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isTree(before) || !isTree(after)) return [path.join('.')];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]));
}

/** The paths that are known after the apply: marked with true. */
function unknownIn(marks: unknown, path: readonly string[] = []): string[] {
  if (marks === true) return [path.join('.')];
  return isTree(marks) ? Object.entries(marks).flatMap(([key, inner]) => unknownIn(inner, [...path, key])) : [];
}

const isTree = (value: unknown): value is Values => typeof value === 'object' && value !== null;

/** Whether a fact is of a kind. One about a whole resource is about each of its arguments. */
export function isOf({ action, address, path, values }: Fact, pattern: Pattern): boolean {
  const isAction = action === pattern.action || (action === 'renew' && pattern.action === 'replace');
  if (!isAction || !pattern.address.test(address)) return false;
  if (pattern.path === undefined) return true;
  if (pattern.value !== undefined && !pattern.value.test(String(values[pattern.path]))) return false;
  if (path === '') return true;
  return path === pattern.path || path.startsWith(`${pattern.path}.`) || pattern.path.startsWith(`${path}.`);
}

/**
 * What the state has of another account or region than the stack: the settings were changed, and a plan would make all of
 * it a second time.
 */
export function elsewhere(
  { resource_changes: changes = [], resource_drift: drift = [] }: Plan,
  {
    name,
    accountId,
    region,
    resources,
  }: Pick<Declared, 'accountId' | 'region' | 'resources'> & { readonly name: string },
): Fact[] {
  const own = new Map(resources.map(({ to, values }) => [to, values.region]));
  const paths = new Set<string>();
  for (const { address, change } of [...changes, ...drift]) {
    const [, at = '', account = ''] = /^arn:[^:]*:[^:]*:([^:]*):(\d{12}):/.exec(String(change.before?.arn)) ?? [];
    if (account !== '' && account !== accountId) paths.add('account');
    if (at !== '' && at !== (own.get(address) ?? region)) paths.add('region');
  }
  return [...paths].map((path) => ({ action: 'elsewhere', address: name, path, values: {} }));
}

import { type Ask, asksOf, includesRole, readRights, type Right, RIGHTS_FILE, ROLES } from '@gitops/settings/rights';
import { readYamlFile } from '@gitops/settings/yaml-file';
import type { FleetApplication } from '../../render/fleet.ts';
import type { ProofContext } from '../proof.ts';
import { argocdSettings, type Setting, settingProblem } from './values.ts';

/** Whoever is in no group may do nothing. */
const NOBODY = 'nobody@example.com';

interface Question {
  readonly right: Right;
  /** Of the table, from 0. */
  readonly row: number;
  /** A role as people have it, or nobody. */
  readonly role: string;
  readonly ask: Ask;
  readonly expected: boolean;
}

/**
 * What Argo CD's own code says of the rights in argocd/rights.yaml where it differs from the table: a role that lost a
 * right, or got one. Each right of a role is one problem, at the line of the policy that decides, or at the policy.
 */
export async function otherRights(
  fleet: readonly FleetApplication[],
  { root, renderer }: ProofContext,
): Promise<string[]> {
  const rights = readRights(root);
  const clusters = [...new Set(fleet.map((entry) => entry.cluster.name))];
  const asked = clusters.map((cluster) => ({
    cluster,
    settings: argocdSettings(root, cluster, 'rbac'),
    questions: questionsOf(rights, cluster),
  }));
  const answers = await renderer.rights(
    asked.map(({ settings, questions }) => ({
      settings: Object.fromEntries([...settings].map(([key, { value }]) => [key, value])),
      questions: questions.map(({ role, ask }) => [role, ...ask] as const),
    })),
  );
  const problems = new Map<string, string>();
  for (const [index, { cluster, settings, questions }] of asked.entries()) {
    const answer = answers[index];
    // Another proof reports a policy that cannot be read.
    const wrong = answer?.ok === true ? questions.filter(({ expected }, i) => answer.value[i] !== expected) : [];
    for (const question of wrong) {
      const key = `${question.role} ${question.row} ${String(question.expected)}`;
      problems.set(key, problems.get(key) ?? problemOf(root, settings, cluster, question));
    }
  }
  return [...problems.values()];
}

function questionsOf(rights: readonly Right[], cluster: string): Question[] {
  const questions: Question[] = [];
  for (const [row, right] of rights.entries())
    for (const ask of asksOf(right)) {
      for (const role of ROLES)
        questions.push({ right, row, role: `role:${role}`, ask, expected: includesRole(right, role, cluster) });
      questions.push({ right, row, role: NOBODY, ask, expected: false });
    }
  return questions;
}

function problemOf(
  root: string,
  settings: ReadonlyMap<string, Setting>,
  cluster: string,
  { right, row, role, ask: [resource, action, object], expected }: Question,
): string {
  const table = readYamlFile(root, RIGHTS_FILE).position(['rights', String(row), 'may']) ?? `${RIGHTS_FILE}:1`;
  const who = role === NOBODY ? 'whoever is in no group' : role;
  const what = `(${resource}, ${action}, ${object}; cluster ${cluster})`;
  const rule = expected
    ? `${who} may no longer ${right.may} ${what}, which ${table} promises`
    : `${who} may ${right.may} ${what}, which ${table} does not say`;
  const [key, setting, line] = placeOf(settings, role, resource, action);
  return setting === undefined ? `${table}: may: ${rule}` : settingProblem('rbac', key, setting, rule, line);
}

/** The line of the policies that is nearest to a right: of the role and the resource, else of the role, else the first. */
function placeOf(
  settings: ReadonlyMap<string, Setting>,
  role: string,
  resource: string,
  action: string,
): [string, Setting | undefined, number] {
  let best: { key: string; setting: Setting; line: number; likeness: number } | undefined;
  for (const [key, setting] of settings) {
    if (!/^policy\..*csv$/.test(key)) continue;
    for (const [index, text] of setting.value.split('\n').entries()) {
      const tokens = text.split(',').map((token) => token.trim());
      const likeness =
        tokens[1] === role
          ? 1 + (tokens[2] === resource ? 2 : 0) + (tokens[3]?.split('/')[0] === action.split('/')[0] ? 1 : 0)
          : 0;
      if (likeness > (best?.likeness ?? -1)) best = { key, setting, line: index + 1, likeness };
    }
  }
  return [best?.key ?? '', best?.setting, best?.line ?? 1];
}

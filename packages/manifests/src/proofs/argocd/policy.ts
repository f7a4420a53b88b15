import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@gitops/report/errors';
import { run } from '@gitops/tools/run';
import type { FleetApplication } from '../../render/fleet.ts';
import { renderedOnly } from '../../render/rendered.ts';
import { projectsIn } from '../projects.ts';
import type { ProofContext } from '../proof.ts';
import { argocdSettings, type Setting, settingProblem } from './values.ts';

const CRUD = ['create', 'get', 'update', 'delete'];
const CRD = ['create', 'get', 'delete'];

/** What rights can be about, and the actions of each: cmd/argocd/commands/admin/settings_rbac.go of Argo CD 3.5.7. */
export const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  accounts: ['create', 'get', 'update'],
  applications: [...CRUD, 'action', 'override', 'sync'],
  applicationsets: CRUD,
  certificates: [...CRD, 'update'],
  clusters: CRUD,
  exec: ['create'],
  extensions: ['invoke'],
  gpgkeys: CRD,
  logs: ['get'],
  projects: CRUD,
  repositories: CRUD,
  'write-repositories': CRUD,
};

/** Their objects are written as project/name. */
const IN_PROJECTS = ['applications', 'applicationsets', 'exec', 'logs'];

/** Of Argo CD itself: assets/builtin-policy.csv. */
const BUILT_IN_ROLES = ['role:admin', 'role:readonly'];

/** The answers of Argo CD's own command, by policy: most clusters have the same one. */
const refusals = new Map<string, Promise<string | undefined>>();

/** A line of a policy. */
interface Line {
  readonly key: string;
  readonly setting: Setting;
  /** Within its text, from 1. */
  readonly number: number;
  readonly tokens: readonly string[];
}

/**
 * What is wrong with the rights of policy.csv and its like: lines that Argo CD cannot read, with which it keeps the
 * rights of before, and lines that it reads and that grant nothing, since an action, a resource, a project or a role
 * does not exist.
 */
export async function wrongPolicies(fleet: readonly FleetApplication[], context: ProofContext): Promise<string[]> {
  const problems: string[] = [];
  for (const cluster of new Set(fleet.map((entry) => entry.cluster.name))) {
    const settings = argocdSettings(context.root, cluster, 'rbac');
    const policies = [...settings].filter(([key]) => /^policy\..*csv$/.test(key)).sort(([a], [b]) => order(a, b));
    const lines = policies.flatMap(([key, setting]) => linesOf(key, setting));
    const found = lineProblems(lines, projectsOf(fleet, cluster));
    problems.push(...found);
    const [first] = policies;
    const text = policies.map(([, { value }]) => value).join('\n');
    if (first === undefined || found.length > 0) continue;
    const refusal = refusals.get(text) ?? refusalOf(context, text);
    refusals.set(text, refusal);
    const rule = await refusal;
    if (rule !== undefined) problems.push(settingProblem('rbac', first[0], { ...first[1], textOffset: 0 }, rule));
  }
  return problems;
}

/** Argo CD reads policy.csv first, the others by name. */
const order = (a: string, b: string): number =>
  Number(b === 'policy.csv') - Number(a === 'policy.csv') || (a < b ? -1 : 1);

function linesOf(key: string, setting: Setting): Line[] {
  const lines: Line[] = [];
  for (const [index, line] of setting.value.split('\n').entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    lines.push({ key, setting, number: index + 1, tokens: text.split(',').map((token) => token.trim()) });
  }
  return lines;
}

/** The AppProjects of a cluster; empty where none could be rendered. */
function projectsOf(fleet: readonly FleetApplication[], cluster: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const entry of renderedOnly(fleet)) {
    if (entry.cluster.name !== cluster) continue;
    for (const { metadata } of projectsIn([entry])) names.add(metadata.name);
  }
  return names;
}

function lineProblems(lines: readonly Line[], projects: ReadonlySet<string>): string[] {
  const granted = new Set(BUILT_IN_ROLES);
  const given = new Set<string>();
  for (const { tokens } of lines) {
    if (tokens[0] === 'p' || (tokens[0] === 'g' && tokens[1]?.startsWith('role:') === true))
      granted.add(tokens[1] ?? '');
    if (tokens[0] === 'g') given.add(tokens[2] ?? '');
  }
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { key, setting, number, tokens } of lines) {
    const report = (rule: string): void => {
      problems.push(settingProblem('rbac', key, setting, rule, number));
    };
    const line = tokens.join(', ');
    if (seen.has(line)) report(`"${line}" stands there twice`);
    seen.add(line);
    const [type, subject = '', third = ''] = tokens;
    if (type === 'g' && tokens.length === 3) {
      if (!third.startsWith('role:')) report(`${third} is no role; roles begin with role:`);
      else if (!granted.has(third)) report(`nothing defines ${third}: it has no rights`);
    } else if (type === 'p' && tokens.length === 6) {
      for (const rule of grantRules(tokens, projects)) report(rule);
      if (!subject.startsWith('role:')) report(`rights are given to roles, not to ${subject}`);
      else if (!given.has(subject)) report(`nobody has ${subject}: no line "g, GROUP, ${subject}" gives it`);
    } else
      report(
        `"${line}" is no line of a policy; write "p, role:NAME, RESOURCE, ACTION, OBJECT, allow" or "g, GROUP, role:NAME"`,
      );
  }
  return problems;
}

/** What is wrong with what a line allows or denies. */
function grantRules(tokens: readonly string[], projects: ReadonlySet<string>): string[] {
  const [, , resource = '', action = '', object = '', effect = ''] = tokens;
  const actions = ACTIONS[resource];
  if (actions === undefined) return [`unknown resource ${resource}; known: ${Object.keys(ACTIONS).join(', ')}`];
  const rules: string[] = [];
  if (!isAction(resource, action, actions))
    rules.push(`unknown action ${action} of ${resource}; known: ${actions.join(', ')}`);
  if (IN_PROJECTS.includes(resource)) {
    const [project = '', name] = object.split('/');
    if (name === undefined) rules.push(`${object} must be PROJECT/NAME, such as */*`);
    else if (projects.size > 0 && !project.includes('*') && !projects.has(project))
      rules.push(`unknown AppProject ${project}; known: ${[...projects].sort().join(', ')}`);
  }
  if (effect !== 'allow' && effect !== 'deny') rules.push(`${effect} must be allow or deny`);
  return rules;
}

/** `action/GROUP/KIND/NAME` names an action of an object, `update/…` and `delete/…` an object of an Application. */
function isAction(resource: string, action: string, actions: readonly string[]): boolean {
  if (action === '*') return true;
  const [verb = '', ...path] = action.split('/');
  if (!actions.includes(verb)) return false;
  if (resource !== 'applications') return path.length === 0;
  if (verb === 'action') return path.length === 3 || (path.length > 0 && path.at(-1) === '*');
  return path.length === 0 || (['update', 'delete'].includes(verb) && (path.length === 4 || path.at(-1) === '*'));
}

/** Why Argo CD refuses a policy, by its own command; undefined where it does not. */
async function refusalOf({ tools }: ProofContext, policy: string): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'policy-'));
  try {
    const file = join(folder, 'policy.csv');
    // The command reads a ConfigMap, or anything that is no YAML as a policy.
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', data: { 'policy.csv': policy } }));
    // It wants an address of a cluster, which it does not call.
    const args = ['admin', 'settings', 'rbac', 'validate', '--server=http://127.0.0.1:1', `--policy-file=${file}`];
    await run(join(tools.bin, 'argocd'), args, { env: { PATH: '', HOME: folder, ARGOCD_BINARY_NAME: 'argocd' } });
    return undefined;
  } catch (error) {
    return `Argo CD refuses it: ${messageOf(error)}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { ciRole, ROLES } from '../src/commands/ci-role.ts';
import { GITHUB_ISSUER } from '../src/iam/trust.ts';
import { type FederatedRole, gitHubRoles, mayAssume, tokenFor } from './github-roles.ts';
import { list } from './iam-evaluator.ts';
import { repository } from './platform-in-tests.ts';

// The roles of the bootstrap stacks and the jobs that take them: one that is missing fails on GitHub, an unused one is a
// door that nobody watches.

interface Job {
  readonly if?: string;
  readonly environment?: string | { readonly name: string };
  readonly strategy?: { readonly matrix?: Readonly<Record<string, readonly string[]>> };
  readonly steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, string>> }[];
}

interface Workflow {
  readonly on: Readonly<Record<string, { readonly branches?: readonly string[] } | null>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** A job that takes a role. */
interface Use {
  /** platform/plan */
  readonly job: string;
  readonly role: (typeof ROLES)[number];
  readonly cluster: string | undefined;
  /** What its tokens may say of it, as the end of their subject. */
  readonly contexts: readonly string[];
}

const MAIN = 'ref:refs/heads/main';

/** What the token of a job says: its environment, or else what the event is about (GitHub Docs, "OpenID Connect"). */
function contextsOf({ on }: Workflow, job: Job): string[] {
  const environment = typeof job.environment === 'object' ? job.environment.name : job.environment;
  if (environment !== undefined) return [`environment:${environment}`];
  const [, only] = /github\.event_name == '(\w+)'/.exec(job.if ?? '') ?? [];
  const isMainOnly = job.if?.includes("github.ref == 'refs/heads/main'") === true;
  const contexts: string[] = [];
  for (const [event, filter] of Object.entries(on)) {
    if (only !== undefined && only !== event) continue;
    if (event === 'pull_request') contexts.push('pull_request');
    else if (event === 'schedule' || isMainOnly) contexts.push(MAIN);
    else if (event === 'push' && filter?.branches !== undefined)
      contexts.push(...filter.branches.map((branch) => `ref:refs/heads/${branch}`));
    else contexts.push('ref:refs/heads/any-branch');
  }
  return [...new Set(contexts)];
}

/** `${{ matrix.cluster }}` with each of its values. */
function expand(text: string | undefined, { strategy }: Job): (string | undefined)[] {
  const [, name] = /^\$\{\{ matrix\.(\w+) \}\}$/.exec(text ?? '') ?? [];
  return name === undefined ? [text] : [...(strategy?.matrix?.[name] ?? [])];
}

function usesIn(name: string, workflow: Workflow): Use[] {
  const uses: Use[] = [];
  for (const [id, job] of Object.entries(workflow.jobs))
    for (const step of job.steps) {
      if (step.uses !== './.github/actions/aws') continue;
      for (const cluster of expand(step.with?.cluster, job))
        uses.push({
          job: `${name}/${id}`,
          role: step.with?.role as Use['role'],
          cluster,
          contexts: contextsOf(workflow, job),
        });
    }
  return uses;
}

const folder = join(repository, '.github/workflows');
const uses = readdirSync(folder).flatMap((file) =>
  usesIn(file.replace('.yml', ''), parse(readFileSync(join(folder, file), 'utf8')) as Workflow),
);

/** The ARN of a role of gitHubRoles. */
const arnOf = (name: string, { accountId }: FederatedRole): string =>
  `arn:aws:iam::${accountId}:role/${name.replace(/ of .*/, '')}`;

/** Each role with each subject that it trusts. */
function waysIn(name: string, role: FederatedRole): string[] {
  const subjects = role.trust.Statement.flatMap(({ Condition }) =>
    list(Condition?.StringEquals?.[`${GITHUB_ISSUER}:sub`] ?? []),
  );
  return subjects.map((subject) => `${arnOf(name, role)} ${subject.replace('repo:example/gitops-platform:', '')}`);
}

t.test('every role that a job takes exists, and trusts each event by which the job starts', (t) => {
  const roles = gitHubRoles(t);
  t.ok(uses.length > 8, `${uses.length} jobs take a role`);
  for (const { job, role, cluster, contexts } of uses) {
    t.ok(ROLES.includes(role), `${job}: ${role}`);
    const { arn } = ciRole(role, cluster);
    const found = [...roles].find(([name, each]) => arnOf(name, each) === arn);
    t.ok(found, `${job}: ${arn}`);
    if (found === undefined) continue;
    const [, { accountId, trust }] = found;
    t.ok(contexts.length > 0, `${job} is started by something`);
    for (const context of contexts)
      t.ok(mayAssume(trust, tokenFor(accountId, `repo:example/gitops-platform:${context}`)), `${job} as ${context}`);
  }
  t.end();
});

t.test('every role is taken, by each of the events that it trusts', (t) => {
  const taken = new Set(
    uses.flatMap(({ role, cluster, contexts }) => contexts.map((context) => `${ciRole(role, cluster).arn} ${context}`)),
  );
  const unused = [...gitHubRoles(t)].flatMap(([name, role]) => waysIn(name, role)).filter((way) => !taken.has(way));
  t.strictSame(unused, []);
  t.end();
});

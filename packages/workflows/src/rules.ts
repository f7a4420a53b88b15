import { PINS } from './pins.ts';
import { environmentOf, type Job, type Permissions, type Step, type Workflow } from './read.ts';

// What must hold for every workflow, as far as neither actionlint nor zizmor knows it. Each rule gives its problems.

/** What the rest of the repository says, which the rules compare with. */
export interface Repository {
  /** The targets of the Makefile. */
  readonly targets: readonly string[];
  /** The variables that the Makefile hands to commands. */
  readonly variables: readonly string[];
  readonly clusters: readonly string[];
}

type Rule = (workflow: Workflow, repository: Repository) => string[];

/** What each job may write, and nothing else: by the workflow's name and the job's id. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'ci/effect': ['pull-requests'],
  'drift/aws': ['id-token'],
  'platform/apply-dev': ['id-token'],
  'platform/apply-production': ['id-token'],
  'platform/apply-staging': ['id-token'],
  'platform/plan': ['id-token'],
  'preview/image': ['id-token'],
  'promote/promote': ['contents', 'pull-requests'],
  'release/bump': ['contents'],
  'release/image': ['attestations', 'id-token'],
  'release/promote': ['contents', 'pull-requests'],
};
export const JOBS_THAT_WRITE = Object.keys(WRITES);

/** Events on which a workflow of the main branch runs with its rights, for whatever a stranger sent. */
const DANGEROUS = [
  'pull_request_target',
  'workflow_run',
  'issue_comment',
  'issues',
  'discussion',
  'repository_dispatch',
];

/** Variables of steps that are no variables of make: the job's own token, and settings that every command reads. */
const ENVIRONMENT = ['GITHUB_TOKEN', 'REQUIRE_CHARTS'];

const LONGEST_MINUTES = 90;

export const RULES: Readonly<Record<string, Rule>> = {
  'every action of others is pinned to the commit of the table': ({ text }) => {
    const problems: string[] = [];
    for (const [, name = '', commit = '', comment = ''] of text.matchAll(
      /\buses: +["']?([^\s@"']+)(?:@(\S+))?(.*)$/gm,
    )) {
      if (name.startsWith('./')) continue;
      const pin = PINS[name];
      if (pin === undefined) problems.push(`${name} is not in packages/workflows/src/pins.ts`);
      else if (commit !== pin.commit || comment !== ` # ${pin.version}`)
        problems.push(`${name}@${commit}${comment} must be ${pin.commit} # ${pin.version}`);
    }
    return problems;
  },

  'a workflow has no permissions; each job names its own, and writes only what the list allows': (workflow) => {
    if (workflow.isAction) return [];
    const problems: string[] = [];
    if (!isEmpty(workflow.permissions)) problems.push('permissions of the workflow must be {}');
    for (const [id, { permissions }] of Object.entries(workflow.jobs)) {
      if (typeof permissions !== 'object') problems.push(`${id}: permissions must be a map`);
      else problems.push(...excess(`${nameOf(workflow)}/${id}`, permissions));
    }
    return problems;
  },

  'no event runs for strangers with the rights of main': ({ on }) =>
    Object.keys(on)
      .filter((event) => DANGEROUS.includes(event))
      .map((event) => `${event} must not start it`),

  'what can push to Git is started by no pull request': (workflow) =>
    'pull_request' in workflow.on
      ? jobsWhere(
          workflow,
          ({ permissions }) => typeof permissions === 'object' && permissions.contents === 'write',
        ).map((id) => `${id} can push, and a pull request starts it`)
      : [],

  'every job has a limit of time': (workflow) =>
    workflow.isAction
      ? []
      : jobsWhere(
          workflow,
          ({ 'timeout-minutes': minutes }) => !(Number(minutes) > 0 && Number(minutes) <= LONGEST_MINUTES),
        ).map((id) => `${id}: timeout-minutes must be from 1 to ${LONGEST_MINUTES}`),

  'every job is in a concurrency group that says whether it cancels': (workflow) =>
    workflow.isAction
      ? []
      : jobsWhere(workflow, ({ concurrency }) => {
          const { group = '', 'cancel-in-progress': cancels } = concurrency ?? workflow.concurrency ?? {};
          return group === '' || cancels === undefined;
        }).map((id) => `${id}: concurrency needs group and cancel-in-progress`),

  'every job names the version of its runner': (workflow) =>
    workflow.isAction
      ? []
      : jobsWhere(workflow, ({ 'runs-on': runner = '' }) => !/ubuntu-\d\d\.\d\d/.test(runner)).map(
          (id) => `${id}: runs-on must name a version`,
        ),

  'a checkout keeps no credentials': (workflow) =>
    stepsWhere(workflow, (step) => isUse(step, 'actions/checkout') && step.with?.['persist-credentials'] !== false).map(
      ({ at }) => `${at}: persist-credentials must be false`,
    ),

  'a step runs one make target, and no expression stands in it': (workflow, { targets }) =>
    stepsWhere(workflow, ({ run }) => {
      const [, target = ''] = /^make ([a-z-]+)( [A-Z]+="\$GITHUB_[A-Z_]+")*$/.exec(run ?? 'make install') ?? [];
      return !targets.includes(target);
    }).map(({ at, step }) => `${at}: ${JSON.stringify(step.run)} must be one line, \`make TARGET\``),

  'a step hands over variables of make, as a laptop would': (workflow, { variables }) =>
    stepsWhere(workflow, ({ run }) => run !== undefined).flatMap(({ at, step }) =>
      Object.keys(step.env ?? {})
        .filter((name) => !variables.includes(name) && !ENVIRONMENT.includes(name))
        .map((name) => `${at}: the Makefile does not export ${name}`),
    ),

  'no secret is stored: a job has its own token, and OIDC': ({ text }) =>
    /\bsecrets[.[]|\bsecrets:/.test(text) ? ['secrets are not used'] : [],

  'a job takes an OIDC token exactly where it enters AWS': (workflow) =>
    workflow.isAction
      ? []
      : jobsWhere(workflow, (job) => {
          const has = typeof job.permissions === 'object' && job.permissions['id-token'] === 'write';
          return has !== job.steps.some(({ uses }) => uses === './.github/actions/aws');
        }).map((id) => `${id}: id-token: write and ./.github/actions/aws go together`),

  'what needs AWS waits until AWS_ENABLED says that it is set up': (workflow) =>
    workflow.isAction
      ? []
      : jobsWhere(
          workflow,
          (job) =>
            (environmentOf(job) !== undefined || job.steps.some(({ uses }) => uses === './.github/actions/aws')) &&
            !conditionsOf(workflow, job).some((condition) => condition.includes("vars.AWS_ENABLED == 'true'")),
        ).map((id) => `${id}: if must ask for vars.AWS_ENABLED == 'true'`),

  'an environment is a cluster, or that of previews': (workflow, { clusters }) =>
    jobsWhere(workflow, (job) => ![...clusters, 'preview', undefined].includes(environmentOf(job))).map(
      (id) => `${id}: its environment is no cluster on AWS`,
    ),
};

/** The rules that workflows break, as `file: problem`, by rule. */
export function problemsOf(workflows: readonly Workflow[], repository: Repository): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, rule] of Object.entries(RULES)) {
    const problems = workflows.flatMap((workflow) =>
      rule(workflow, repository).map((problem) => `${workflow.file}: ${problem}`),
    );
    if (problems.length > 0) found.set(name, problems);
  }
  return found;
}

/** ci, for .github/workflows/ci.yml */
export const nameOf = ({ file }: Pick<Workflow, 'file'>): string => file.replace(/^.*\/([^/]+)\.ya?ml$/, '$1');

/** The conditions of a job, and of all that it needs. */
function conditionsOf(workflow: Workflow, job: Job): string[] {
  const needed = [job.needs ?? []].flat().flatMap((id) => workflow.jobs[id] ?? []);
  return [job.if ?? '', ...needed.flatMap((other) => conditionsOf(workflow, other))];
}

const isEmpty = (permissions: Permissions | string | undefined): boolean =>
  typeof permissions === 'object' && Object.keys(permissions).length === 0;

function excess(job: string, permissions: Permissions): string[] {
  // A release of another service, `release-orders`, is that of the first one with another name.
  const allowed = WRITES[job.replace(/^release-[^/]+\//, 'release/')] ?? [];
  return Object.entries(permissions)
    .filter(
      ([scope, level]) => level !== 'none' && (level === 'write' ? !allowed.includes(scope) : scope !== 'contents'),
    )
    .map(([scope, level]) => `${job}: ${scope}: ${level} is not in the list of what it may do`);
}

const jobsWhere = ({ jobs }: Workflow, isWanted: (job: Job) => boolean): string[] =>
  Object.entries(jobs)
    .filter(([, job]) => isWanted(job))
    .map(([id]) => id);

const isUse = ({ uses = '' }: Step, action: string): boolean => uses.startsWith(`${action}@`);

function stepsWhere({ jobs }: Workflow, isWanted: (step: Step) => boolean): { at: string; step: Step }[] {
  const found: { at: string; step: Step }[] = [];
  for (const [id, { steps }] of Object.entries(jobs))
    for (const [index, step] of steps.entries())
      if (isWanted(step)) found.push({ at: `${id}, step ${index + 1}`, step });
  return found;
}

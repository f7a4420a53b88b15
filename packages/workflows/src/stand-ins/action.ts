// Stand-ins for the actions of others, which need GitHub and AWS: node action.ts NAME, with the inputs in INPUT_*. Each
// does the part that a job here depends on, against the stand-in of GitHub and AWS (../github.ts), and writes down how
// it was called.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const { env } = process;
const [name = ''] = process.argv.slice(2);

const inputs: Record<string, string> = {};
for (const [key, value = ''] of Object.entries(env))
  if (key.startsWith('INPUT_') && value !== '') inputs[key.slice('INPUT_'.length).toLowerCase()] = value;

function log(entry: Readonly<Record<string, unknown>>): void {
  const { GITHUB_WORKFLOW: workflow, GITHUB_JOB: job } = env;
  appendFileSync(
    env.STAND_IN_LOG ?? '',
    `${JSON.stringify({ workflow, job, action: name, inputs, ...entry, endedAt: Date.now() })}\n`,
  );
}

function git(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: env.GITHUB_WORKSPACE, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/**
 * Checks out the commit of the run, another commit, or a branch as it is now, with as much of the history as was asked for; no
 * credentials stay.
 */
function checkout(): void {
  const { GITHUB_SERVER_URL: server = '', GITHUB_REPOSITORY: repository = '', GITHUB_SHA: sha = '' } = env;
  const { 'fetch-depth': depth = '1', ref: asked } = inputs;
  const isCommit = /^[0-9a-f]{40}$/.test(asked ?? '');
  const branch = isCommit ? undefined : asked;
  const ref = branch === undefined ? (env.GITHUB_REF ?? '') : `refs/heads/${branch}`;
  git('init', '--quiet', '--initial-branch=main');
  git('remote', 'add', 'origin', `${server}/${repository}`);
  const isBranch = ref.startsWith('refs/heads/');
  const local = ref.replace(/^refs\/(heads|pull)\//, isBranch ? 'refs/remotes/origin/' : 'refs/remotes/pull/');
  if (depth === '0') git('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*');
  const wanted = branch === undefined ? (isCommit ? (asked ?? '') : sha) : ref;
  git('fetch', '--quiet', ...(depth === '0' ? [] : [`--depth=${depth}`]), 'origin', `+${wanted}:${local}`);
  if (isBranch) git('checkout', '--quiet', '-B', ref.slice('refs/heads/'.length), local);
  else git('checkout', '--quiet', '--detach', local);
  log({ commit: git('rev-parse', 'HEAD'), commits: Number(git('rev-list', '--count', 'HEAD')) });
}

/** Changes the job's OIDC token for keys of a role, where the role trusts it. */
async function enterAws(): Promise<void> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url = '', GITHUB_JOB: job = '', GITHUB_WORKFLOW: workflow = '' } = env;
  const asked = await fetch(`${url}?job=${workflow}/${job}&audience=sts.amazonaws.com`);
  const token = await asked.text();
  if (!asked.ok) throw new Error(`no OIDC token: ${token}`);
  const { 'role-to-assume': role = '', 'aws-region': region = '' } = inputs;
  const answer = await fetch(`${env.STAND_IN_AWS ?? ''}/sts`, {
    method: 'POST',
    body: JSON.stringify({ role, token }),
  });
  const keys = await answer.text();
  if (!answer.ok) throw new Error(keys);
  appendFileSync(env.GITHUB_ENV ?? '', `AWS_ACCESS_KEY_ID=${keys}\nAWS_SECRET_ACCESS_KEY=none\nAWS_REGION=${region}\n`);
  log({ role });
}

/** An attestation is of an image, by its digest, and of a file that exists. */
function attest(): void {
  const { 'subject-digest': digest = '', 'subject-name': subject = '', 'sbom-path': sbom } = inputs;
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`subject-digest is ${JSON.stringify(digest)}`);
  if (!/^[\w.:-]+\/[\w./-]+$/.test(subject)) throw new Error(`subject-name is ${JSON.stringify(subject)}`);
  if (sbom !== undefined) JSON.parse(readFileSync(sbom, 'utf8'));
  log({});
}

/** A cache without a key of what it depends on would never change. */
function cache(): void {
  if (!/-[0-9a-f]{64}$/.test(inputs.key ?? '')) throw new Error(`the key is ${JSON.stringify(inputs.key)}`);
  log({});
}

function setUpGo(): void {
  if (!existsSync(inputs['go-version-file'] ?? '')) throw new Error('go-version-file does not exist');
  log({});
}

const actions: Readonly<Record<string, () => void | Promise<void>>> = {
  'actions/attest': attest,
  'actions/attest-build-provenance': attest,
  'actions/cache': cache,
  'actions/checkout': checkout,
  'actions/setup-go': setUpGo,
  'aws-actions/amazon-ecr-login': () => {
    if ((env.AWS_ACCESS_KEY_ID ?? '') === '') throw new Error('no credentials for AWS');
    log({});
  },
  'aws-actions/configure-aws-credentials': enterAws,
};

const action = actions[name];
if (action === undefined) throw new Error(`no stand-in for ${name}`);
try {
  await action();
} catch (error) {
  console.log(`::error::${String(error)}`);
  process.exitCode = 1;
}

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { progressTo } from '@gitops/report/progress';
import { clusterNames } from '@gitops/settings';
import { type Ask, asksOf, includesRole, readRights, type Right, type Role, ROLES } from '@gitops/settings/rights';
import { ensureTools } from '@gitops/tools/tools';
import { ACTIONS } from '../../src/proofs/argocd/policy.ts';
import { argocdSettings } from '../../src/proofs/argocd/values.ts';
import { root } from '../helper.ts';

const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
const rights = readRights(root);
const folder = t.testdir({});

/** Groups of the identity provider; whoever is in none of them may do nothing. */
const GROUPS: Readonly<Record<Role | 'nobody', string>> = {
  developer: 'gitops-platform:developers',
  'on-call': 'gitops-platform:on-call',
  platform: 'gitops-platform:platform-team',
  nobody: 'somebody@example.com',
};

/** Argo CD's ConfigMap argocd-rbac-cm of a cluster. */
const policyOf = (cluster: string): Record<string, string> =>
  Object.fromEntries([...argocdSettings(root, cluster, 'rbac')].map(([key, { value }]) => [key, value]));

interface Question {
  readonly right: Right;
  readonly subject: Role | 'nobody';
  readonly ask: Ask;
}

function questionsOf(subjects: readonly (Role | 'nobody')[]): Question[] {
  const questions: Question[] = [];
  for (const right of rights)
    for (const ask of asksOf(right)) for (const subject of subjects) questions.push({ right, subject, ask });
  return questions;
}

/** What `argocd admin settings rbac can` says; it wants an address of a cluster, which it does not call. */
async function can(file: string, { subject, ask: [resource, action, object] }: Question): Promise<boolean> {
  const args = ['admin', 'settings', 'rbac', 'can', GROUPS[subject], action, resource, object];
  const options = { env: { PATH: '', HOME: folder, ARGOCD_BINARY_NAME: 'argocd' } };
  return new Promise((answer, refuse) => {
    execFile(
      join(bin, 'argocd'),
      [...args, '--server=http://127.0.0.1:1', `--policy-file=${file}`],
      options,
      (_, stdout, stderr) => {
        if (/^(Yes|No)\n$/.test(stdout) && stderr === '') answer(stdout === 'Yes\n');
        else refuse(new Error(`${args.join(' ')}: ${stdout}${stderr}`));
      },
    );
  });
}

/** Answers that are not those of the table. */
async function wrongAnswers(cluster: string, questions: readonly Question[]): Promise<string[]> {
  const file = join(folder, `${cluster}.json`);
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', data: policyOf(cluster) }));
  const wrong: string[] = [];
  const queue = questions.values();
  const work = async (): Promise<void> => {
    for (const question of queue) {
      const { right, subject, ask } = question;
      const expected = subject !== 'nobody' && includesRole(right, subject, cluster);
      if ((await can(file, question)) !== expected)
        wrong.push(`${cluster}: ${subject} ${expected ? 'may not' : 'may'} ${ask.join(' ')}`);
    }
  };
  await Promise.all([work(), work(), work()]);
  return wrong;
}

t.test('every right of the table, asked of Argo CD itself', async (t) => {
  const questions = questionsOf([...ROLES, 'nobody']);
  t.ok(questions.length > 150, `${questions.length} questions`);
  t.strictSame(await wrongAnswers('production', questions), []);
});

t.test('what a cluster grants besides', async (t) => {
  const { 'policy.dev.csv': dev, ...others } = policyOf('dev');
  t.strictSame(others, policyOf('production'));
  t.strictSame(policyOf('staging'), policyOf('production'));
  t.match(dev, /^(#.*\n|p, role:developer, .*\n)+$/, 'of developers alone');
  t.strictSame(await wrongAnswers('dev', questionsOf(['developer'])), []);

  const { 'policy.local.csv': local, ...shared } = policyOf('local');
  t.strictSame(shared, policyOf('production'));
  t.equal(local, ROLES.map((role) => `g, ${role}, role:${role}\n`).join(''), 'an account for each role');
  t.strictSame(clusterNames(root), ['dev', 'local', 'production', 'staging'], 'no other cluster');
});

t.test('every action of Argo CD is in the table', (t) => {
  const asked = new Set(
    rights.flatMap(({ ask }) => ask.map(([resource, action]) => `${resource} ${action.split('/')[0] ?? ''}`)),
  );
  // Of these the command knows nothing; they are granted with repositories, accounts and certificates.
  const unknown = /^write-repositories |^accounts get$|^certificates update$/;
  for (const [resource, actions] of Object.entries(ACTIONS))
    for (const action of actions)
      if (!unknown.test(`${resource} ${action}`)) t.ok(asked.has(`${resource} ${action}`), `${resource} ${action}`);
  t.end();
});

t.test('a right that is granted by mistake is found', async (t) => {
  const file = join(folder, 'wrong.json');
  const data = policyOf('production');
  const more = `${data['policy.csv'] ?? ''}p, role:on-call, applications, override, services/*, allow\n`;
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', data: { ...data, 'policy.csv': more } }));
  const [right] = rights.filter(({ ask }) => ask.some(([, action]) => action === 'override'));
  t.ok(right);
  if (right === undefined) return;
  const ask = ['applications', 'override', 'services/fastify-service'] as const;
  t.equal(await can(file, { right, subject: 'on-call', ask }), true);
  t.equal(includesRole(right, 'on-call', 'production'), false);
});

t.test('clusters are closed: nobody by default, no admin, no shell', (t) => {
  for (const cluster of clusterNames(root)) {
    const cm = argocdSettings(root, cluster, 'cm');
    t.equal(policyOf(cluster)['policy.default'], '', cluster);
    t.equal(cm.get('exec.enabled')?.value, 'false', cluster);
    t.equal(cm.get('users.anonymous.enabled'), undefined, cluster);
    t.equal(cm.get('admin.enabled')?.value, cluster === 'local' ? 'true' : 'false', cluster);
    const accounts = [...cm.keys()].filter((key) => key.startsWith('accounts.'));
    t.strictSame(accounts, cluster === 'local' ? ROLES.map((role) => `accounts.${role}`) : [], cluster);
    t.equal(cm.has('oidc.config'), cluster !== 'local', cluster);
  }
  t.end();
});

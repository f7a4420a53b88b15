import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { progressTo } from '@gitops/report/progress';
import { clusterNames } from '@gitops/settings';
import { ensureSchemas } from '@gitops/tools/schemas';
import { ARGOCD_VERSION, ensureTools } from '@gitops/tools/tools';
import { wrongHealthChecks } from '../../src/proofs/argocd/health.ts';
import { KNOWN_SETTINGS, unknownSettings } from '../../src/proofs/argocd/known-settings.ts';
import { wrongPolicies } from '../../src/proofs/argocd/policy.ts';
import type { ProofContext } from '../../src/proofs/proof.ts';
import type { FleetApplication } from '../../src/render/fleet.ts';
import { startRenderer } from '../../src/render/renderer.ts';
import { filesBelow } from '../../src/render/tree.ts';
import { edit, root } from '../helper.ts';

const quiet = { ...progressTo(), note: () => undefined };
const tools = await ensureTools(quiet, { verify: false });
const renderer = startRenderer(tools);
t.teardown(async () => renderer.close());
const schemas = await ensureSchemas(quiet);

const PROJECTS = ['controllers', 'monitoring', 'preview-namespaces', 'previews', 'root', 'services'];

/** What the proofs read of a fleet: the clusters, and their AppProjects. */
const fleet = clusterNames(root).map((name) => ({
  cluster: { name },
  application: { metadata: { name: 'root' } },
  rendered: { ok: true, value: PROJECTS.map((project) => ({ kind: 'AppProject', metadata: { name: project } })) },
})) as unknown as FleetApplication[];

/** The problems of a copy of Argo CD's values, by all proofs that read them. */
async function problemsOf(folder: string): Promise<string[]> {
  const context: ProofContext = { root: folder, renderer, tools, schemas };
  return [
    ...unknownSettings(fleet, context),
    ...(await wrongPolicies(fleet, context)),
    ...(await wrongHealthChecks(fleet, context)),
  ];
}

function copyOfValues(t: Test): string {
  const folder = t.testdir({});
  const files = [
    'argocd/values.yaml',
    ...filesBelow(root, 'argocd/health'),
    ...clusterNames(root).map((name) => `clusters/${name}/argocd.yaml`),
  ];
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  return folder;
}

const values = 'argocd/values.yaml';
const inDev = 'clusters/dev/argocd.yaml';
const onSync = 'p, role:on-call, applications, sync, */*, allow';
const group = 'g, gitops-platform:on-call, role:on-call';
const developers = 'p, role:developer, applications, sync, services/*, allow';
const health = 'resource.customizations.health.argoproj.io_Application';

/** A mistake: the file, what is replaced by what, and the rule; the place is that of the replaced text. */
const MISTAKES: readonly (readonly [name: string, file: string, from: string, to: string, rule: RegExp])[] = [
  [
    'a missing comma',
    values,
    onSync,
    onSync.replace('applications,', 'applications'),
    /policy\.csv: ".*" is no line of a policy/,
  ],
  ['a comma too many', values, onSync, onSync.replace('sync', 'sync,'), /is no line of a policy/],
  ['a misspelt action', values, onSync, onSync.replace('sync', 'snyc'), /unknown action snyc of applications; known: /],
  [
    'a misspelt resource',
    values,
    onSync,
    onSync.replace('applications', 'application'),
    /unknown resource application/,
  ],
  ['an action of another resource', values, 'logs, get', 'logs, sync', /unknown action sync of logs/],
  [
    'an action without its kind',
    values,
    'action/argoproj.io/Application/toggle-auto-sync',
    'action/toggle-auto-sync',
    /unknown action action\/toggle-auto-sync/,
  ],
  ['an object without its project', values, onSync, onSync.replace('*/*', '*'), /\* must be PROJECT\/NAME/],
  [
    'a project that does not exist',
    inDev,
    developers,
    developers.replace('services', 'service'),
    /policy\.dev\.csv: unknown AppProject service; known: controllers, /,
  ],
  ['a misspelt effect', values, onSync, onSync.replace('allow', 'alow'), /alow must be allow or deny/],
  [
    'a misspelt role in a grant',
    values,
    onSync,
    onSync.replace('role:on-call', 'role:oncall'),
    /nobody has role:oncall/,
  ],
  [
    'a misspelt role of a group',
    values,
    group,
    group.replace('role:on-call', 'role:oncall'),
    /nothing defines role:oncall/,
  ],
  ['a role without its prefix', values, group, group.replace('role:on-call', 'on-call'), /on-call is no role/],
  ['a group without a role', values, group, 'g, gitops-platform:on-call', /is no line of a policy/],
  [
    'a right of a person',
    values,
    onSync,
    onSync.replace('role:on-call', 'ann@example.com'),
    /rights are given to roles/,
  ],
  ['a line twice', values, onSync, `${onSync}\n      ${onSync}`, /stands there twice/],
  [
    'an unknown key of the rights',
    values,
    'policy.default: ""',
    'policy.defaults: ""',
    /rbac\.policy\.defaults: unknown setting/,
  ],
  [
    'a misspelt setting',
    values,
    'timeout.reconciliation: 300s',
    'timeout.reconcilation: 300s',
    /cm\.timeout\.reconcilation: unknown setting of Argo CD 3/,
  ],
  [
    'a duration that is none',
    values,
    '300s',
    '5min',
    /cm\.timeout\.reconciliation: must be a duration such as 90s, 5m or 1h30m \(it is "5min"\)/,
  ],
  ['a duration without a unit', values, '300s', '"300"', /must be a duration/],
  [
    'a misspelt boolean',
    values,
    'exec.enabled: "false"',
    'exec.enabled: "no"',
    /exec\.enabled: must be "true" or "false"/,
  ],
  [
    'a misspelt parameter',
    values,
    'applicationsetcontroller.enable.progressive.syncs',
    'applicationsetcontroller.enable.progressive.sync',
    /params\..*: unknown setting/,
  ],
  [
    'a parameter that must be a number',
    'clusters/local/argocd.yaml',
    'delay.seconds: "1"',
    'delay.seconds: 1s',
    /must be a number/,
  ],
  [
    'an unknown capability of an account',
    'clusters/local/argocd.yaml',
    'accounts.platform: apiKey',
    'accounts.platform: apikey',
    /accounts\.platform: must be of the form/,
  ],
  [
    'a customization that does not exist',
    values,
    'customizations.health.argoproj.io_ApplicationSet',
    'customizations.helth.argoproj.io_ApplicationSet',
    /unknown setting/,
  ],
  [
    'Lua that does not parse',
    values,
    'if obj.status ~= nil and obj.status.health',
    'if obj.status != nil and obj.status.health',
    /health\.argoproj\.io_Application: .*!/,
  ],
  [
    'Lua that does not end',
    values,
    "      end\n      return result\n    # Argo CD's own",
    "      return result\n    # Argo CD's own",
    /health\.argoproj\.io_Application: .*EOF/,
  ],
  [
    'Lua that fails on an object without status',
    values,
    'if obj.status ~= nil and obj.status.health ~= nil',
    'if obj.status.health ~= nil',
    /recorded state "just made": .*nil/,
  ],
];

t.test('the values of every cluster have no problem', async (t) => {
  t.strictSame(await problemsOf(root), []);
});

for (const [name, file, from, to, rule] of MISTAKES)
  t.test(name, async (t) => {
    const folder = copyOfValues(t);
    const line = readFileSync(join(root, file), 'utf8').split(from)[0]?.split('\n').length ?? 0;
    edit(folder, file, from, to);
    const problems = await problemsOf(folder);
    t.ok(
      problems.some((problem) => problem.startsWith(`${file}:`) && rule.test(problem)),
      String(rule),
      { problems },
    );
    if (name !== 'Lua that does not end' && name !== 'a line twice')
      t.ok(
        problems.some((problem) => problem.startsWith(`${file}:${line}: `)),
        `at line ${line}`,
        { problems },
      );
  });

t.test('a health check that judges a recorded state otherwise is named with both', async (t) => {
  const folder = copyOfValues(t);
  edit(folder, values, '{ status = "Progressing", message = "not reconciled yet" }', '{ status = "Healthy" }');
  t.match(await problemsOf(folder), [
    /^argocd\/health\/argoproj\.io_Application\.yaml:3: states\.0\.health: "just made" must be Progressing \(not reconciled yet\); the health check of argocd\/values\.yaml says Healthy$/,
    /"compared, /,
    /"a status without health"/,
  ]);
});

t.test('a health check without recorded states, and states without a health check', async (t) => {
  const folder = copyOfValues(t);
  edit(folder, values, `${health}:`, `${health}s:`);
  t.match(await problemsOf(folder), [
    /^argocd\/health\/argoproj\.io_Application\.yaml:1: the file: no health check reads it/,
    /^argocd\/values\.yaml:\d+: configs\.cm\..*argoproj\.io_Applications: no recorded states: write argocd\/health\/argoproj\.io_Applications\.yaml$/,
  ]);
});

t.test('what Argo CD alone can refuse is asked of it', async (t) => {
  const folder = copyOfValues(t);
  // A quote that is not closed: to us a name like any other.
  edit(folder, values, group, 'g, gitops-platform:"on-call, role:on-call');
  t.match(await problemsOf(folder), [/configs\.rbac\.policy\.csv: Argo CD refuses it: /]);
});

t.test('the known settings are those of the release that runs, and all that its manifests read', (t) => {
  t.equal(KNOWN_SETTINGS.version, ARGOCD_VERSION, 'written anew with test/write-argocd-settings.ts after an upgrade');
  let read = 0;
  for (const file of filesBelow(tools.manifests, 'base')) {
    const text = readFileSync(join(tools.manifests, file), 'utf8');
    const pairs = text.matchAll(/name: argocd-cmd-params-cm\n\s+key: (\S+)|key: (\S+)\n\s+name: argocd-cmd-params-cm/g);
    for (const [, first = '', second = first] of pairs) {
      read += 1;
      t.ok(Object.hasOwn(KNOWN_SETTINGS.params, second), second);
    }
  }
  t.ok(read > 150, `${read} variables`);
  t.end();
});

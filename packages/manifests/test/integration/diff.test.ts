import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command } from '../command.ts';
import { copy, edit, git, lacksCharts } from '../helper.ts';

const skip = lacksCharts();

t.test('diff: what a change does to the clusters, and what must not be merged', (t) => {
  const folder = copy(t);
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'before');
  t.strictSame(command(folder, ['diff', '--base', 'main']), {
    status: 0,
    stdout: 'nothing changes in any cluster compared with main\n',
    stderr: '',
  });

  edit(folder, 'clusters/production/fastify-service.yaml', 'maxReplicas: 6', 'maxReplicas: 7');
  edit(folder, 'clusters/production/fastify-service.yaml', 'memory: 512Mi', 'memory: 640Mi');
  const harmless = command(folder, ['diff', '--base', 'main']);
  t.equal(harmless.status, 0, harmless.stderr);
  t.match(
    harmless.stdout,
    /production\/fastify-service +HorizontalPodAutoscaler\/fastify-service +spec\.maxReplicas +6 +7 /,
  );
  t.match(harmless.stdout, /resources\.limits\.memory +512Mi +640Mi +every pod is replaced/);
  t.notMatch(harmless.stdout, /staging|BLOCKED|make apply/);
  edit(folder, 'clusters/production/argocd.yaml', 'server:\n  replicas: 2', 'server:\n  replicas: 3');
  if (skip === false)
    t.match(
      command(folder, ['diff', '--base', 'main']).stdout,
      /production\/argocd +Deployment\/argocd-server +spec\.replicas +2 +3 +(?!.*make apply)/,
      'Argo CD deploys its own settings',
    );
  edit(folder, 'clusters/dev/cluster.yaml', 'domain: preview.dev', 'domain: previews.dev');
  t.match(
    command(folder, ['diff', '--base', 'main']).stdout,
    /dev\/root \(installed\) +Secret\/in-cluster +metadata\.annotations\.previewDomain .*; not by the merge, but by `make apply CLUSTER=dev`/,
  );
  // Facts and subnets: nothing of it comes by the merge, and a controller that is switched off stays.
  edit(folder, 'clusters/dev/cluster.yaml', 'natGateways: one', 'natGateways: one\n  zones: [us-east-1b, us-east-1a]');
  edit(folder, 'clusters/shared/cluster.yaml', '  - metrics-server\n', '');
  const facts = command(folder, ['diff', '--base', 'main']);
  t.match(
    facts.stdout,
    /^dev\/metrics-server +Application\/metrics-server .* stays, with all that it deploys: .*create-update.*; not by the merge/m,
  );
  t.notMatch(facts.stdout, 'Argo CD deletes it');
  t.match(
    facts.stdout,
    /^dev\/cluster\.yaml +Subnet\/private-us-east-1a +cidr +10\.0\.0\.0\/19 +10\.0\.32\.0\/19 +BLOCKED: /m,
  );
  t.match(facts.stdout, /^ {2}Accept: dev\/cluster\.yaml subnet-replaced: REASON$/m);
  edit(folder, 'clusters/dev/cluster.yaml', '\n  zones: [us-east-1b, us-east-1a]', '');
  edit(folder, 'clusters/shared/cluster.yaml', '  - external-secrets\n', '  - metrics-server\n  - external-secrets\n');
  const staging = (version: string): string =>
    `cluster: staging\n        values:\n          chart: 10.8.0\n          version: ${version}`;
  edit(folder, 'argocd/applications/argocd.yaml', staging('v3.5.7'), staging('v3.5.8'));
  const early = command(folder, ['diff', '--base', 'main']);
  t.equal(early.status, 1);
  t.match(
    early.stdout,
    /dev\/root +ApplicationSet\/argocd +spec\.generators\[1\]\.clusters\.values\.version +v3\.5\.7 +v3\.5\.8 +BLOCKED: dev must run it first/,
  );
  edit(folder, 'argocd/applications/argocd.yaml', staging('v3.5.8'), staging('v3.5.7'));

  edit(folder, 'clusters/production/cluster.yaml', 'duration: 384h', 'duration: 400h');
  t.match(
    command(folder, ['diff', '--base', 'main']).stdout,
    /production\/root +AppProject\/services +spec\.syncWindows +year-end +year-end +freeze year-end is now from \d{4}-12-19 18:00 to \d{4}-01-05 10:00 \(America\/New_York\), before from .* to \d{4}-01-04 18:00/,
  );

  edit(folder, 'clusters/shared/fastify-service.yaml', 'internet-facing', 'internal');
  edit(
    folder,
    'charts/fastify-service/templates/_helpers.tpl',
    'app.kubernetes.io/instance: {{ .Release.Name }}',
    'app.kubernetes.io/instance: {{ .Release.Name }}-2',
  );
  const comment = join(folder, '.local/diff.md');
  const harmful = command(folder, ['diff'], { BASE: 'main', MARKDOWN: comment });
  t.equal(harmful.status, 1);
  t.match(harmful.stdout, /Deployment\/fastify-service +spec\.selector.* BLOCKED: /);
  t.match(harmful.stdout, /Ingress\/fastify-service .*scheme.* internet-facing +internal +BLOCKED: /);
  git(folder, 'commit', '-qam', 'Internal\n\nAccept: dev/fastify-service load-balancer-replaced: DNS follows');
  t.match(
    command(folder, ['diff', '--base', 'main~1']).stdout,
    /^dev\/fastify-service +Ingress\/fastify-service .* ACCEPTED \(DNS follows\): /m,
    'a dangerous change that is meant',
  );
  git(folder, 'reset', '-q', '--soft', 'HEAD~1');
  t.match(harmful.stderr, /^\d+ changes must not be merged as they are\n$/);
  t.match(readFileSync(comment, 'utf8'), /\n- \*\*blocked\*\*, immutable fields: the sync fails: \d+ \(<code>/);
  const machines = JSON.parse(command(folder, ['diff', '--base', 'main', '--json']).stdout) as { risk: string }[];
  t.ok(machines.some(({ risk }) => risk === 'load-balancer-replaced'));

  t.match(command(folder, ['diff', '--base', 'nowhere']), { status: 2, stderr: /^error: Git has no revision nowhere/ });
  writeFileSync(join(folder, 'clusters/dev/fastify-service.yaml'), '- a\n');
  t.match(command(folder, ['diff', '--base', 'main'], { MARKDOWN: comment }), {
    status: 1,
    stderr: /^error: dev\/fastify-service does not render in the work tree: .*\n next: `make check` names/s,
  });
  t.match(readFileSync(comment, 'utf8'), /something does not render:\n\n```\ndev\/fastify-service does not render/);
  t.end();
});

t.test('diff: between two revisions, and what a promotion would do', (t) => {
  const folder = copy(t);
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'before');
  const file = 'clusters/staging/fastify-service.image.yaml';
  edit(folder, file, 'tag: "0.1.0"', 'tag: "0.2.0"');
  edit(folder, file, 'sha256:aa6e', 'sha256:bb6e');
  git(folder, 'commit', '-qam', 'deploy');
  const head = command(folder, ['diff', '--base', 'HEAD~1', '--head', 'HEAD']);
  t.match(head.stdout, /^staging\/fastify-service +Deployment\/fastify-service .*containers\[[\w-]+\]\.image /m);
  t.notMatch(head.stdout, /production/);
  const promotion = command(folder, ['diff', '--base', 'main', '--json'], { FROM: 'staging', TO: 'production' });
  const changes = JSON.parse(promotion.stdout) as { application: string; risk: string; after: unknown }[];
  t.strictSame(
    [...new Set(changes.map(({ application }) => application))],
    // An alert compares what runs with the image in Git.
    ['production/fastify-service', 'production/monitoring'],
  );
  t.match(
    changes.find(({ risk }) => risk === 'image'),
    { after: /0\.2\.0@sha256:bb6e/ },
  );
  for (const [args, error] of [
    [['--from', 'staging'], /^error: FROM and TO belong together/],
    [['--app', 'fastify-service'], /^error: diff takes no APP without FROM and TO/],
    [['--from', 'staging', '--to', 'dev', '--head', 'main'], /^error: diff takes HEAD, or FROM and TO/],
    [
      ['--from', 'staging', '--to', 'dev', '--base', 'main', '--app', 'nope'],
      /^error: staging and dev have no image file/,
    ],
    [['--base=--output=x'], /^error: --base: must be a commit or branch/],
  ] as const)
    t.match(command(folder, ['diff', ...args]), { status: 2, stdout: '', stderr: error });
  t.end();
});

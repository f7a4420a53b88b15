import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { command } from '../command.ts';
import { copy, edit, lacksCharts } from '../helper.ts';

const skip = lacksCharts();

t.test('render: YAML of one application, or JSON of all', (t) => {
  const folder = copy(t);
  const one = command(folder, ['render', '--cluster', 'production', '--app', 'fastify-service']);
  t.equal(one.status, 0, one.stderr);
  const kinds = parseAllDocuments(one.stdout).map((document) => document.get('kind'));
  t.ok(
    ['Deployment', 'HorizontalPodAutoscaler', 'Ingress', 'NetworkPolicy'].every((kind) => kinds.includes(kind)),
    kinds.join(' '),
  );
  t.strictSame(
    command(folder, ['render'], { CLUSTER: 'production', APP: 'fastify-service' }).stdout,
    one.stdout,
    'make’s variables say the same',
  );
  const all = JSON.parse(command(folder, ['render', '--json']).stdout) as {
    cluster: string;
    application: string;
    ok: boolean;
  }[];
  t.strictSame(
    all.map(({ cluster, application }) => `${cluster}/${application}`),
    ['dev', 'local', 'production', 'staging'].flatMap((cluster) =>
      [
        ...(cluster === 'local' ? [] : ['argocd', 'aws-load-balancer-controller', 'external-secrets']),
        'fastify-service',
        ...(cluster === 'local'
          ? []
          : ['karpenter', 'kube-prometheus-stack', 'metrics-server', 'monitoring', 'node-pool']),
        // Of a made-up pull request.
        ...(cluster === 'dev' ? ['preview-1', 'preview-1-namespace'] : []),
        ...(cluster === 'local' ? [] : ['prometheus-operator-crds']),
        'root',
      ].map((name) => `${cluster}/${name}`),
    ),
  );

  edit(folder, 'clusters/dev/fastify-service.yaml', 'replicas: 1', 'replicas: none');
  const broken = command(folder, ['render', '--cluster', 'dev']);
  t.equal(broken.status, 1);
  t.match(broken.stderr, /^error: dev\/fastify-service: .*\n[^]*next: /);
  t.match(broken.stdout, /kind: AppProject/, 'what does render is there all the same');
  t.end();
});

t.test('check: silent where all is well, every problem and exit code 1 where not', (t) => {
  const folder = copy(t);
  const well = command(folder, ['check']);
  t.match(well.stdout, skip === false ? /^37 applications of 4 / : /^\d+ of 37 applications of 4 /);
  t.strictSame(
    { ...well, stdout: well.stdout.replace(/^.* clusters/, '') },
    { status: 0, stdout: ': no problems\n', stderr: '' },
  );
  edit(folder, 'clusters/dev/fastify-service.yaml', 'replicas: 1', 'replicas: 0');
  edit(folder, 'clusters/staging/fastify-service.yaml', 'maxReplicas: 4', 'maxReplicas: 1');
  const ill = command(folder, ['check']);
  t.equal(ill.status, 1);
  t.match(
    ill.stdout,
    /^clusters\/dev\/fastify-service\.yaml:\d+: replicas: .*\nclusters\/staging\/fastify-service\.yaml:\d+: autoscaling\.maxReplicas: /,
  );
  t.equal(
    ill.stderr,
    'not checked until this is fixed: capacity, Argo CD itself, Pod Security (dev, staging); ' +
      'grants of projects, health checks\n2 problems\n',
  );
  t.equal((JSON.parse(command(folder, ['check', '--json']).stdout) as { problems: string[] }).problems.length, 2);
  t.end();
});

t.test('explain: for people and as JSON', (t) => {
  const folder = copy(t);
  const args = ['explain', '--cluster', 'production', '--app', 'fastify-service'];
  const { status, stdout } = command(folder, [...args, 'resources.memory']);
  t.equal(status, 0);
  t.match(
    stdout,
    /^resources\.memory = 512Mi\n {2}Memory request and limit.*\n {2}set by {4}clusters\/production\/fastify-service\.yaml:\d+\n {2}shadowed {2}charts\/fastify-service\/values\.yaml:\d+: 256Mi\n {2}sets \(tried 513Mi\)\n {4}Deployment\/fastify-service spec\./,
  );
  t.match(JSON.parse(command(folder, [...args, 'resources.memory', '--json']).stdout), [
    { key: 'resources.memory', value: '512Mi', changes: [{ object: 'Deployment/fastify-service' }, {}] },
  ]);
  t.match(command(folder, args).stdout, /^VALUE +IS +SET BY +SHADOWED\nimage\.repository /);
  t.match(command(folder, [...args, 'resources.memroy']), {
    status: 1,
    stderr:
      /^error: unknown value resources\.memroy of production\/fastify-service\n next: did you mean resources\.memory/,
  });
  t.match(command(folder, [...args, 'resources.limits.memory']), {
    status: 0,
    stdout: /^resources\.memory = 512Mi\n/,
    stderr: 'resources.limits.memory is not a value of the chart but a rendered field. Values that set it:\n',
  });
  t.match(command(folder, ['explain', 'resources.memory']), {
    status: 2,
    stderr:
      /^error: CLUSTER \(--cluster\) is missing\nerror: APP \(--app\) is missing\n next: CLUSTER is one of: dev, /,
  });
  t.end();
});

t.test('capacity and flows: tables of what is proven', (t) => {
  const folder = copy(t);
  const { status, stdout } = command(folder, ['capacity', '--cluster', 'production']);
  t.equal(status, 0);
  t.match(
    stdout,
    /^CLUSTER +NODES +LOST ZONE +NODES LEFT .*\nproduction +least +- +3 .*\nproduction +expected +- +4 .* yes *\n/,
  );
  t.match(stdout, /\nproduction +most +- +9 .* yes *\nproduction +most +us-east-1a +6 .* yes *\n/);
  t.match(JSON.parse(command(folder, ['capacity', '--cluster', 'production', '--json']).stdout), [
    { nodes: 'least' },
    { nodes: 'expected' },
  ]);
  const flows = command(folder, ['flows', '--cluster', 'production']);
  t.match(flows.stdout, /^APPLICATION +FROM +TO +OPEN +PARTLY OPEN *\n/);
  t.match(
    flows.stdout,
    /production\/fastify-service +load balancer +Deployment\/fastify-service +TCP 8080, TCP 9090 *\n/,
  );
  t.match(flows.stdout, /production\/fastify-service +Prometheus +Deployment\/fastify-service +TCP 9090 *\n/);
  t.match(flows.stdout, /production\/fastify-service +Deployment\/fastify-service +CoreDNS +TCP 53, UDP 53 *\n/);
  t.notMatch(flows.stdout, /^production\/fastify-service .*(?:internet|metadata|namespace)/m);
  if (skip === false)
    t.match(flows.stdout, /production\/metrics-server +all others outside +Deployment\/metrics-server +TCP 10250 *\n/);
  t.end();
});

t.test(
  'unknown commands, options, clusters and applications, and no repository: one line, and what to do next',
  (t) => {
    const folder = copy(t);
    for (const [args, error] of [
      [
        ['rendre'],
        /^error: unknown command rendre; did you mean render\?\n next: commands: charts, check, diff, render, explain, capacity, flows, chart-readme\n$/,
      ],
      [['render', 'x'], /^error: render takes no argument "x"\n/],
      [
        ['render', '--cluster', 'prod'],
        /^error: --cluster: unknown value "prod"; did you mean production\?\n next: --cluster is one of: dev, local, production, staging\n$/,
      ],
      [
        ['render', '--app', 'fastify'],
        /^error: unknown application fastify\n next: APP is one of: argocd, aws-load-balancer-controller, external-secrets, fastify-service, karpenter, kube-prometheus-stack, metrics-server, monitoring, node-pool, preview-1, preview-1-namespace, prometheus-operator-crds, root\n$/,
      ],
      [
        ['render', '--clutser', 'dev'],
        /^error: unknown option --clutser; did you mean --cluster\?\n next: `render --help` lists its options\n$/,
      ],
    ] as const) {
      const { status, stdout, stderr } = command(folder, args);
      t.equal(status, 2, args.join(' '));
      t.equal(stdout, '');
      t.match(stderr, error);
    }
    rmSync(join(folder, 'charts'), { recursive: true });
    t.match(command('/', ['check']), {
      status: 1,
      stderr: /^error: no repository with argocd\/, charts\/ and clusters\/ in this folder or above\n next: /,
    });
    t.end();
  },
);

t.test('a cluster or an application that a command does not look at is refused, not ignored', (t) => {
  const folder = copy(t);
  for (const [name, variable, error] of [
    ['check', 'CLUSTER=nosuch', 'check takes no CLUSTER; it always checks every cluster'],
    ['check', 'APP=zzz', 'check takes no APP; it always checks every application'],
    [
      'capacity',
      'APP=fastify-service',
      'capacity takes no APP; it always counts the pods of every application of a cluster',
    ],
    ['diff', 'CLUSTER=dev', 'diff takes no CLUSTER; it always compares every cluster'],
    ['render', 'CLUSTR=dev', 'render takes no CLUSTR; did you mean CLUSTER?'],
  ] as const) {
    // As make hands it over: the value in the environment, and that it was given in MAKEFLAGS.
    const [key = '', value = ''] = variable.split('=');
    const { status, stdout, stderr } = command(folder, [name], { [key]: value, MAKEFLAGS: ` -- ${variable}` });
    t.strictSame([status, stdout, stderr.split('\n')[0]], [2, '', `error: ${error}`], `make ${name} ${variable}`);
  }
  for (const option of ['--app', '--app=fastify-service'])
    t.match(command(folder, ['capacity', option]), { status: 2, stderr: /^error: capacity takes no --app; / });
  t.end();
});

t.test('a variable of the shell that a command does not have means nothing', (t) => {
  t.match(command(copy(t), ['check'], { CLUSTER: 'nosuch', APP: 'zzz' }), { status: 0, stderr: '' });
  t.end();
});

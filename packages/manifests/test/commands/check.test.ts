import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { copy, edit, open } from '../helper.ts';

const { allProblems } = await open(t);

t.test('files that cannot be read: one line each with file and position', async (t) => {
  const file = 'clusters/production/fastify-service.yaml';
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['empty', '', /:1: the file: is empty; it must be a map, at least \{\}$/],
    ['only comments', '# nothing\n', /:1: the file: is empty/],
    ['a list', '- host: x\n', /:1: the file: must be a map$/],
    ['a text', 'host\n', /:1: the file: must be a map$/],
    ['tabs', 'host: a.example.com\ningress:\n\thttps: true\n', /:3: the file: has a tab; use spaces$/],
    ['duplicate keys', 'host: a.example.com\nhost: b.example.com\n', /:2: the file: Map keys must be unique/],
    ['an anchor', 'host: &host a.example.com\n', /:1: the file: &host is an anchor/],
    ['an alias', 'host: &host a.example.com\nzoneSpread: *host\n', /:2: the file: \*host is an alias/],
    ['a byte order mark', '\uFEFFhost: a.example.com\n', /:1: the file: starts with a byte order mark/],
    [
      '10 MB',
      `# ${'x'.repeat(10 * 1024 * 1024)}\nhost: a.example.com\n`,
      /:1: the file: has \d+ bytes; the limit is 262144$/,
    ],
    ['half a list', 'ingress: [\n', /:\d: the file: /],
  ];
  for (const [name, text, expected] of cases) {
    const folder = copy(t);
    writeFileSync(join(folder, file), text);
    const problems = await allProblems(folder);
    t.ok(
      problems.some((problem) => problem.startsWith(file) && expected.test(problem)),
      name,
      { problems },
    );
    // Nothing else is wrong, so nothing else is reported.
    t.ok(
      problems.every((problem) => problem.startsWith(file)),
      `${name}: alone`,
      { problems },
    );
    rmSync(folder, { recursive: true });
  }
});

t.test('a cluster folder without cluster.yaml, and an application without values', async (t) => {
  const folder = copy(t);
  mkdirSync(join(folder, 'clusters/sandbox'));
  writeFileSync(join(folder, 'clusters/sandbox/fastify-service.yaml'), 'host: fastify-service.sandbox.example.com\n');
  t.strictSame(await allProblems(folder), [
    'clusters/sandbox/cluster.yaml:1: the file: missing; ' +
      'a folder below clusters/ is a cluster, and this file describes it',
  ]);

  rmSync(join(folder, 'clusters/sandbox'), { recursive: true });
  rmSync(join(folder, 'clusters/dev/fastify-service.yaml'));
  t.strictSame(await allProblems(folder), [
    'clusters/dev/fastify-service.yaml:1: the file: does not exist; ' +
      'argocd/applications/fastify-service.yaml names it for dev/fastify-service',
  ]);
});

t.test('a values file that no application reads, and one of another name than all others', async (t) => {
  const folder = copy(t);
  writeFileSync(join(folder, 'clusters/dev/fastify-servce.yaml'), 'replicas: 2\n');
  writeFileSync(join(folder, 'clusters/dev/fastify-service.yml'), 'replicas: 2\n');
  t.strictSame(await allProblems(folder), [
    'clusters/dev/fastify-servce.yaml:1: the file: no Application reads it; ' +
      'its name must be that of an Application of argocd/applications',
    'clusters/dev/fastify-service.yml:1: the file: must end in .yaml',
  ]);
});

t.test('a root that does not render', async (t) => {
  const folder = copy(t);
  edit(folder, 'argocd/root/templates/application.yaml', '{{ .Values.repoURL }}', '{{ .Values.repoUrl.nothing }}');
  const problems = await allProblems(folder);
  t.equal(problems.length, 1);
  t.match(problems[0], /^argocd\/root\/Chart\.yaml:1: the chart: does not render for \w+: /);
});

t.test('all problems are reported at once: of files, settings, values, templates and rendered objects', async (t) => {
  const folder = copy(t);
  edit(folder, 'clusters/dev/fastify-service.yaml', 'replicas: 1', 'replicsa: 1');
  edit(folder, 'clusters/dev/fastify-service.yaml', 'logLevel: debug', 'logLevel: loud');
  edit(folder, 'clusters/staging/fastify-service.yaml', 'maxReplicas: 4', 'maxReplicas: 2');
  edit(
    folder,
    'clusters/staging/fastify-service.yaml',
    'zoneSpread: required',
    'zoneSpread: required\nadminPort: 8080',
  );
  edit(folder, 'clusters/staging/fastify-service.image.yaml', 'tag: "0.1.0"', 'tag: "latest"');
  edit(folder, 'clusters/local/fastify-service.yaml', 'rollout:', '\trollout:');
  edit(
    folder,
    'clusters/production/cluster.yaml',
    'zones: [us-east-1a, us-east-1b, us-east-1c]',
    'zones: [us-east-1a]',
  );
  edit(folder, 'clusters/slo.yaml', 'availability: 99.9', 'availability: 100');
  const problems = await allProblems(folder);
  const expected = [
    /^clusters\/dev\/fastify-service\.yaml:\d+: logLevel: /,
    /^clusters\/dev\/fastify-service\.yaml:\d+: replicsa: unknown value/,
    /^clusters\/local\/fastify-service\.yaml:\d+: the file: has a tab/,
    /^clusters\/production\/cluster\.yaml:\d+: network\.zones: /,
    /^clusters\/slo\.yaml:\d+: availability: must be < 100/,
    /^clusters\/staging\/fastify-service\.image\.yaml:\d+: tag: latest is not a version/,
    /^clusters\/staging\/fastify-service\.yaml:\d+: adminPort: must differ from port/,
    /^clusters\/staging\/fastify-service\.yaml:\d+: autoscaling\.maxReplicas: must be greater/,
  ];
  for (const pattern of expected)
    t.ok(
      problems.some((problem) => pattern.test(problem)),
      String(pattern),
      { problems },
    );
  t.ok(problems.length <= expected.length + 1, `${problems.length} lines`, { problems });
});

t.test('one cause, one line', async (t) => {
  const set = 'argocd/applications/fastify-service.yaml';
  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    [
      set,
      'sync-wave: "1"',
      'sync-wave: 1',
      /^argocd\/applications\/fastify-service\.yaml:8: .* must be text, in quotes/,
    ],
    [set, '\nspec:\n', '\nspec: [\n', /^argocd\/applications\/fastify-service\.yaml:\d+: the file: /],
    ['argocd/values.yaml', '\nconfigs:\n', '\nconfigs: [\n', /^argocd\/values\.yaml:\d+: the file: /],
    [
      set,
      'metadata.annotations.imageRegistry',
      'metadata.annotations.registry',
      /^argocd\/applications\/fastify-service\.yaml:1: /,
    ],
  ];
  for (const [file, from, to, expected] of cases) {
    const folder = copy(t);
    edit(folder, file, from, to);
    const problems = await allProblems(folder);
    t.equal(problems.length, 1, `${file}: ${to.trim()}`, { problems });
    t.match(problems[0], expected);
    rmSync(folder, { recursive: true });
  }
});

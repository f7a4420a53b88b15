import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { didYouMean } from '@gitops/report/nearest';
import { blocksOf, pathsOfTree } from '../src/blocks.ts';
import { documentsIn } from '../src/documents.ts';
import { deadLinks, diagramProblems, type Known, unknownNames } from '../src/names.ts';
import { makeTargets } from './make-targets.ts';
import { ELSEWHERE } from './names-elsewhere.ts';
import { filesOfTree, read, root } from './tree.ts';

const files = filesOfTree().filter((file) => existsSync(join(root, file)));
const documents = documentsIn(files);

const paths = new Set<string>();
for (const file of files) for (let path = file; path !== '.'; path = dirname(path)) paths.add(path);

const words = new Set<string>();
for (const file of files) {
  // Tests make up names, and keep those of what is gone.
  if (/\.md$|^pnpm-lock\.yaml$|(^|\/)test\/|\.test\.|_test\.go$|^e2e\//.test(file)) continue;
  for (const [word] of read(file).matchAll(/[A-Za-z_]\w*/g)) words.add(word);
}

// The chart puts the names of the burn-rate alerts together: AvailabilityBudgetBurn14x.
const sloRules = read('charts/monitoring/templates/slo-rules.yaml');
const burns = Array.from(sloRules.matchAll(/"name" "(\d+x)"/g), ([, name]) => String(name));
const burnRate = new Set<string>();
for (const [, objective = ''] of sloRules.matchAll(/"(\w+)" \(dict "key"/g))
  for (const burn of ['', ...burns])
    burnRate.add(`${objective.slice(0, 1).toUpperCase()}${objective.slice(1)}BudgetBurn${burn}`);
for (const alert of burnRate) words.add(alert);

const known: Known = {
  paths,
  words,
  targets: await makeTargets(),
  elsewhere: new Set(Object.values(ELSEWHERE).flatMap((names) => names.split(/\s+/))),
};

t.test('every name in a document is one of the tree', (t) => {
  for (const document of documents)
    for (const { line, message } of unknownNames(document, read(document), known))
      t.fail(`${document}:${line}: ${message}`);
  t.pass(`${documents.length} documents, ${words.size} names`);
  t.end();
});

t.test('what is excused is named in some document, and not in the tree', (t) => {
  const all = documents.map(read).join('\n');
  for (const name of known.elsewhere) {
    t.ok(all.includes(name), `${name} is in a document`);
    t.notOk(paths.has(name) || words.has(name), `${name} is not in the tree`);
  }
  t.end();
});

t.test('every alert has a section in its runbook, and every section there is of an alert', (t) => {
  const runbook = 'docs/runbooks/alerts.md';
  const lines = read(runbook).split('\n');
  const sections = new Map(
    lines.flatMap((text, index) => (text.startsWith('## ') ? [[text.slice(3), index + 1] as const] : [])),
  );
  const alerts = new Map<string, string>();
  for (const file of files.filter((path) => /^charts\/monitoring\/(rules|templates)\/(?!.*\.test\.)/.test(path)))
    for (const [index, text] of read(file).split('\n').entries()) {
      const [, alert] = /^ *- alert: (\w+)$/.exec(text) ?? [];
      if (alert !== undefined) alerts.set(alert, `${file}:${index + 1}`);
    }
  t.ok(alerts.size > 20, `${alerts.size} alerts`);
  for (const [alert, place] of alerts)
    if (!sections.has(alert)) t.fail(`${runbook}: no section "## ${alert}" for the alert of ${place}`);
  for (const [section, line] of sections)
    if (!alerts.has(section) && !burnRate.has(section))
      t.fail(`${runbook}:${line}: the section ${section} is of no alert${didYouMean(section, alerts.keys())}`);
  t.end();
});

t.test('every link between documents leads somewhere', (t) => {
  let count = 0;
  for (const document of documents) {
    const { problems, links } = deadLinks(document, read(document), known, read);
    for (const { line, message } of problems) t.fail(`${document}:${line}: ${message}`);
    count += links;
  }
  t.ok(count > 30, `${count} links`);
  t.end();
});

t.test('what a tree shows is there', (t) => {
  for (const document of documents) {
    const trees = blocksOf(read(document)).filter(({ language }) => language === 'tree');
    for (const path of trees.flatMap(({ content }) => pathsOfTree(content)))
      t.ok(paths.has(path.replace('<cluster>', 'local')), `${document}: ${path}`);
  }
  t.end();
});

t.test('the edges of diagrams are as the files that they name', (t) => {
  for (const document of documents)
    for (const { line, message } of diagramProblems(read(document), (file) =>
      paths.has(file) ? read(file) : undefined,
    ))
      t.fail(`${document}:${line}: ${message}`);
  t.end();
});

/** A tree of three files, and a document about it that is right. */
const small: Known = {
  paths: new Set([
    'clusters',
    'clusters/dev',
    'clusters/dev/cluster.yaml',
    'docs',
    'docs/a.md',
    'docs/b.md',
    'src',
    'src/main.ts',
  ]),
  targets: new Map([
    ['check', new Set<string>()],
    ['rollback', new Set(['APP', 'ID'])],
  ]),
  words: new Set(['RequestsShed', 'maxReplicas', 'autoscaling', 'LOCAL_GIT_URL']),
  elsewhere: new Set(['setHealth']),
};
const ofSmall = (markdown: string): string[] =>
  unknownNames('docs/a.md', markdown, small).map(({ line, message }) => `${line}: ${message}`);

t.test('names that are there are no problem', (t) => {
  for (const markdown of [
    '`make check`, then `make rollback APP=x ID=3 && make -s check`',
    '`clusters/<cluster>/cluster.yaml`, `clusters/*/cluster.yaml`, `cluster.yaml`, `b.md`, `src/`, `main.ts`',
    '`RequestsShed`, `autoscaling.maxReplicas`, `LOCAL_GIT_URL`, `setHealth`',
    '`application/json`, `deploy/grafana`, `kubectl get pods`, `10.0.0.0/16`, `https://example.com/a/b`',
    '```sh\nmake check # in clusters/prod\ncat clusters/dev/cluster.yaml\n```',
    '```yaml\na: clusters/prod\n```',
  ])
    t.strictSame(ofSmall(markdown), [], markdown);
  t.end();
});

t.test('a name that is gone is a problem, with its line and what was meant', (t) => {
  for (const [markdown, message] of [
    ['\n`make chek`', '2: make has no target chek; did you mean check?'],
    ['`make rollback AP=x`', '1: make rollback has no option AP; did you mean APP?'],
    ['```sh\nmake check\nmake chek\n```', '3: make has no target chek; did you mean check?'],
    [
      '`clusters/dev/clusters.yaml`',
      '1: no file or folder clusters/dev/clusters.yaml; did you mean clusters/dev/cluster.yaml?',
    ],
    ['`clusters/<cluster>/app.yaml`', '1: no file or folder clusters/<cluster>/app.yaml'],
    ['`mian.ts`', '1: no file or folder mian.ts; did you mean main.ts?'],
    [
      '```sh\ncat clusters/devv/cluster.yaml\n```',
      '2: no file or folder clusters/devv/cluster.yaml; did you mean clusters/dev/cluster.yaml?',
    ],
    ['`RequestShed`', '1: nothing in the tree has the name RequestShed; did you mean RequestsShed?'],
    ['\n## RequestShed', '2: nothing in the tree has the name RequestShed; did you mean RequestsShed?'],
    ['`autoscaling.maxReplica`', '1: nothing in the tree has the name maxReplica; did you mean maxReplicas?'],
    [
      '```mermaid\nflowchart LR\n  a["clusters/div"] --> b\n```',
      '3: no file or folder clusters/div; did you mean clusters/dev?',
    ],
  ] as const)
    t.strictSame(ofSmall(markdown), [message], markdown);
  t.end();
});

t.test('a dead link says where it should lead', (t) => {
  const texts: Record<string, string> = { 'docs/b.md': '# B\n\n## Back to Git\n' };
  const links = (markdown: string): object[] => [
    ...deadLinks('docs/a.md', markdown, small, (file) => texts[file] ?? '').problems,
  ];
  t.strictSame(links('[b](b.md#back-to-git) [main](../src/main.ts) [src](../src/) [web](https://example.com/x)'), []);
  t.strictSame(links('\n[b](bb.md)'), [
    { line: 2, message: 'the link bb.md leads to no file; did you mean docs/b.md?' },
  ]);
  t.strictSame(links('[b](b.md#back-to-gitt)'), [
    { line: 1, message: 'docs/b.md has no heading #back-to-gitt; did you mean #back-to-git?' },
  ]);
  t.end();
});

t.test('an edge of a diagram needs evidence, and the evidence must be there', (t) => {
  const problems = (...lines: string[]): string[] =>
    diagramProblems(['```mermaid', ...lines, '```'].join('\n'), (file) =>
      file === 'x.ts' ? 'make bump' : undefined,
    ).map(({ line, message }) => `${line}: ${message}`);
  t.strictSame(problems('%% a --> b: x.ts: make bump', 'a["A: one"] -->|label| b'), []);
  t.strictSame(problems('a --> b'), [], 'a diagram without any is not looked at');
  t.strictSame(problems('%% a --> b: x.ts: make bump', 'a --> b --> c'), [
    '3: b --> c has no evidence: add "%% b --> c: FILE: TEXT"',
  ]);
  t.strictSame(problems('%% a --> b: x.ts: make pump', 'a -.-> b'), [
    '2: x.ts has no "make pump", which should show a --> b',
  ]);
  t.strictSame(problems('%% a --> b: y.ts: z', 'a --> b'), ['2: no file y.ts, which should show a --> b']);
  t.strictSame(problems('%% a --> b: x.ts: make bump', '%% b --> a: x.ts: make bump', 'a --> b'), [
    '3: evidence for b --> a, which the diagram does not have',
  ]);
  t.end();
});

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { filesOfTree, read } from './tree.ts';

const FOLDER = 'docs/runbooks/';
const documents = filesOfTree().filter((file) => file.startsWith('docs/') && file.endsWith('.md'));
const runbooks = documents.filter((file) => file.startsWith(FOLDER) && !file.endsWith('/README.md'));

/** What on-call looks for, in the order in which it is needed. */
const PARTS = ['Signs', 'First five minutes', 'Commands', 'It worked when', 'Do not'];

t.test('every runbook has the same parts in the same order', (t) => {
  t.ok(runbooks.length > 8, `${runbooks.length} runbooks`);
  // The sections of alerts have parts of their own: packages/monitoring/test/rules.test.ts.
  for (const runbook of runbooks.filter((file) => file !== `${FOLDER}alerts.md`)) {
    const headings = [...read(runbook).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    t.strictSame(headings, PARTS, `${runbook}: its headings of the second level`);
  }
  t.end();
});

/** The documents that a document links to. */
const linkedFrom = (document: string): Set<string> =>
  new Set(
    Array.from(read(document).matchAll(/\]\(([^)#\s]+\.md)(?:#[^)]*)?\)/g), ([, path = '']) =>
      normalize(join(dirname(document), path)),
    ),
  );

t.test('no runbook is missing in the list of runbooks', (t) => {
  const listed = linkedFrom(`${FOLDER}README.md`);
  for (const runbook of runbooks) t.ok(listed.has(runbook), `${FOLDER}README.md: add ${runbook}`);
  t.end();
});

t.test('the index of the documentation leads to every document', (t) => {
  const index = 'docs/README.md';
  const lists = [index, `${FOLDER}README.md`, 'docs/decisions/README.md'];
  const reached = new Set(lists.flatMap((list) => [...linkedFrom(list)]));
  for (const document of documents.filter((file) => file !== index))
    t.ok(reached.has(document), `${index}: add ${document}`);
  t.end();
});

/** Argo CD's web pages in the module that the local machine runs; undefined where that module was never downloaded. */
function argocdPages(): string | undefined {
  const [, version = ''] = /argoproj\/argo-cd\/v3 (v\S+)/.exec(read('packages/tools/go/go.mod')) ?? [];
  const modules = process.env.GOMODCACHE ?? join(process.env.GOPATH ?? join(homedir(), 'go'), 'pkg/mod');
  const folder = join(modules, `github.com/argoproj/argo-cd/v3@${version}/ui/src/app/applications/components`);
  const files = [
    'application-details/application-details.tsx',
    'application-deployment-history/application-deployment-history.tsx',
    'application-operation-state/application-operation-state.tsx',
    'application-status-panel/application-status-panel.tsx',
  ].map((file) => join(folder, file));
  if (!files.every((file) => existsSync(file))) return undefined;
  return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}

const pages = argocdPages();

t.test(
  'what the runbook of a rollback says of Argo CD’s pages stands in their source',
  { skip: pages === undefined && 'the source of Argo CD is not on this machine' },
  (t) => {
    const runbook = read(`${FOLDER}rollback.md`);
    const words = [
      'History and rollback',
      'Rollback',
      'Redeploy',
      'Rollback application',
      'Auto-Sync needs to be disabled in order for rollback to occur.',
      'Deployed At',
      'Initiated by',
      'Active for',
      'Toggle Auto-Sync',
      'Sync Status',
      'Terminate',
      'Auto sync is not enabled.',
    ];
    for (const text of words) {
      t.ok(pages?.includes(text), `Argo CD: ${text}`);
      t.ok(runbook.includes(text), `${FOLDER}rollback.md: ${text}`);
    }
    t.end();
  },
);

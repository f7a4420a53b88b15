import { CommandError } from '@gitops/report/errors';

// A service's lines in files of all services. Each is put in and taken out as text, so that every other byte stays.

/** A file of all services, with and without one of them. */
export interface List {
  readonly file: string;
  readonly why: string;
  readonly add: (text: string, name: string) => string;
  readonly remove: (text: string, name: string) => string;
}

const SERVICES = /^services:(?: \[\]|(?:\n {2}- .+)+)$/m;

function withServices(text: string, change: (names: readonly string[]) => readonly string[]): string {
  const [list] = SERVICES.exec(text) ?? [];
  if (list === undefined)
    throw new CommandError(
      'argocd/projects/values.yaml has no list `services`',
      'add `services: []`; nothing was written',
    );
  const names = change(Array.from(list.matchAll(/^ {2}- (.+)$/gm), ([, name = '']) => name));
  return text.replace(
    SERVICES,
    names.length === 0 ? 'services: []' : ['services:', ...[...names].sort()].join('\n  - '),
  );
}

type Selectors = Record<string, Record<string, object>>;

function withSelectors(text: string, change: (ofChart: Record<string, object>) => void): string {
  const selectors = JSON.parse(text) as Selectors;
  const ofChart = { ...selectors['charts/fastify-service'] };
  change(ofChart);
  const sorted = Object.fromEntries(Object.entries(ofChart).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ ...selectors, 'charts/fastify-service': sorted }, null, 2)}\n`;
}

/** The entry of a service in the lock file: it needs the first one, and nothing else. */
const lockEntry = (name: string): string =>
  [
    `  services/${name}:`,
    '    dependencies:',
    "      '@gitops/service':",
    '        specifier: workspace:*',
    '        version: link:../../service',
    '',
    '',
  ].join('\n');

/** Where pnpm puts an importer: they are sorted. */
function insertImporter(text: string, name: string): string {
  const end = text.indexOf('\npackages:\n');
  const importers = [...text.slice(0, end).matchAll(/^ {2}(\S+):$/gm)];
  const next = importers.find(([, path = '']) => path > `services/${name}`);
  const at = next === undefined ? end + 1 : next.index;
  return text.slice(0, at) + lockEntry(name) + text.slice(at);
}

export const LISTS: readonly List[] = [
  {
    file: 'argocd/projects/values.yaml',
    why: 'the project services may deploy to its namespace, and a project of its own makes that',
    add: (text, name) => withServices(text, (names) => [...names, name]),
    remove: (text, name) => withServices(text, (names) => names.filter((each) => each !== name)),
  },
  {
    file: 'charts/selectors.json',
    why: "its Deployment's selector, which no upgrade of the chart may change",
    add: (text, name) =>
      withSelectors(text, (ofChart) => {
        const matchLabels = { 'app.kubernetes.io/instance': name, 'app.kubernetes.io/name': 'fastify-service' };
        ofChart[`Deployment/${name}`] = { matchLabels };
      }),
    remove: (text, name) =>
      withSelectors(text, (ofChart) => {
        Reflect.deleteProperty(ofChart, `Deployment/${name}`);
      }),
  },
  {
    file: 'pnpm-lock.yaml',
    why: 'the workspace has one more package',
    add: insertImporter,
    remove: (text, name) => {
      const [entry] = new RegExp(`^ {2}services/${name}:\\n(?: {4}.*\\n)*\\n`, 'm').exec(text) ?? [];
      return entry === undefined ? text : text.replace(entry, () => '');
    },
  },
];

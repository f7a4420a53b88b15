import t from 'tap';
import { parse as parseYaml } from 'yaml';
import { filesOfTree, read } from './tree.ts';

t.test('the changelog has the form of Keep a Changelog, newest first', (t) => {
  const changelog = read('CHANGELOG.md');
  const headings = [...changelog.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
  const [first, ...dates] = headings;
  t.equal(first, 'Unreleased');
  for (const date of dates) t.match(date, /^\d{4}-\d\d-\d\d$/);
  t.strictSame(dates, dates.toSorted().reverse());
  for (const [, kind = ''] of changelog.matchAll(/^### (.+)$/gm))
    t.ok(['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'].includes(kind), kind);
  t.end();
});

/** What the dev container uses of https://containers.dev/implementors/json_reference/, each with the type of its value. */
const DEVCONTAINER = {
  name: 'string',
  build: 'object',
  remoteUser: 'string',
  init: 'boolean',
  hostRequirements: 'object',
  onCreateCommand: 'string',
  postStartCommand: 'string',
  waitFor: 'string',
} as const;

t.test('the dev container has known settings, starts the stack, and has what the README asks for', (t) => {
  // JSON with comments, as the specification has it.
  const text = read('.devcontainer/devcontainer.json').replaceAll(/^ *\/\/.*$/gm, '');
  const settings = JSON.parse(text) as Record<string, unknown> & { build: { dockerfile: string } };
  for (const [name, value] of Object.entries(settings))
    t.equal(typeof value, DEVCONTAINER[name as keyof typeof DEVCONTAINER], name);
  t.equal(settings.postStartCommand, 'make up');
  t.ok(['onCreateCommand', 'updateContentCommand', 'postCreateCommand'].includes(String(settings.waitFor)));
  const dockerfile = read(`.devcontainer/${settings.build.dockerfile}`);
  const { node } = (JSON.parse(read('package.json')) as { devDependencies: { node: string } }).devDependencies;
  const [, go] = /^go (\S+)$/m.exec(read('packages/tools/go/go.mod')) ?? [];
  t.match(dockerfile, `NODE_IMAGE=node:${node}-`);
  t.match(dockerfile, `GO_IMAGE=golang:${String(go)}-`);
  t.end();
});

t.test('issue forms have what GitHub requires of one', (t) => {
  const forms = filesOfTree().filter((file) => /^\.github\/ISSUE_TEMPLATE\/(?!config\.yml)/.test(file));
  t.ok(forms.length >= 2, forms.join(', '));
  for (const file of forms) {
    const { name, description, body } = parseYaml(read(file)) as {
      name: string;
      description: string;
      body: { type: string; id: string; attributes: { label: string; description?: string } }[];
    };
    t.ok(name !== '' && description !== '', file);
    const ids = body.map(({ id }) => id);
    t.strictSame([...new Set(ids)], ids, `${file}: every field has an id of its own`);
    for (const { type, id, attributes } of body) {
      t.ok(['textarea', 'input', 'dropdown', 'checkboxes', 'markdown'].includes(type), `${file}: ${id}`);
      t.type(attributes.label, 'string', `${file}: ${id}`);
    }
  }
  t.end();
});

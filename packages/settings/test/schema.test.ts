import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { editorSchema } from '../src/schema.ts';
import { sloEditorSchema } from '../src/slo.ts';

t.test('the schemas for editors are those that the files are checked against', (t) => {
  const clusters = resolve(import.meta.dirname, '../../../clusters');
  for (const [file, schema] of [
    ['cluster.schema.json', editorSchema()],
    ['slo.schema.json', sloEditorSchema()],
  ] as const)
    t.equal(readFileSync(join(clusters, file), 'utf8'), schema, 'run: pnpm --filter @gitops/settings schema');
  t.end();
});

t.test('editors report unknown keys at every level and no missing ones, since the shared file may have them', (t) => {
  const objects: Record<string, unknown>[] = [];
  JSON.parse(editorSchema(), (_, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'properties' in value) objects.push({ ...value });
    return value;
  });
  t.equal(
    objects.length,
    10,
    'the file, git, freezes, registry, network, api, nodeGroup, nodePool, previews and budget',
  );
  for (const object of objects)
    t.ok(
      object.additionalProperties === false && !('required' in object),
      Object.keys(object.properties as object).join(),
    );
  t.end();
});

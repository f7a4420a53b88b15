import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { editorSchema } from '../src/schema.ts';

t.test('the schema for editors is the one that the settings are checked against', (t) => {
  t.equal(
    readFileSync(join(resolve(import.meta.dirname, '../../..'), 'clusters/cluster.schema.json'), 'utf8'),
    editorSchema(),
    'run: pnpm --filter @gitops/settings schema',
  );
  t.end();
});

t.test('editors report unknown keys at every level and no missing ones, since the shared file may have them', (t) => {
  const objects: Record<string, unknown>[] = [];
  JSON.parse(editorSchema(), (_, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'properties' in value) objects.push({ ...value });
    return value;
  });
  t.equal(objects.length, 7, 'the file, git, registry, network, api, nodeGroup and budget');
  for (const object of objects)
    t.ok(
      object.additionalProperties === false && !('required' in object),
      Object.keys(object.properties as object).join(),
    );
  t.end();
});

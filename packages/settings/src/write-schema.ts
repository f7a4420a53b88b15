// Writes the schemas of clusters/ for editors.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { editorSchema } from './schema.ts';
import { sloEditorSchema } from './slo.ts';

const clusters = resolve(import.meta.dirname, '../../../clusters');
writeFileSync(resolve(clusters, 'cluster.schema.json'), editorSchema());
writeFileSync(resolve(clusters, 'slo.schema.json'), sloEditorSchema());

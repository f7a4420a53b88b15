// Writes clusters/cluster.schema.json, for editors.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { editorSchema } from './schema.ts';

writeFileSync(resolve(import.meta.dirname, '../../../clusters/cluster.schema.json'), editorSchema());

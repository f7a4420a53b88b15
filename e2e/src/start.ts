// Before the first drill: a fresh stack. One that an interrupted run left behind is ended first.
import { existsSync, rmSync } from 'node:fs';
import { openInstance } from '@gitops/local';
import { DRILL_FOLDER, succeed } from './stack.ts';

const { dir } = openInstance({ dir: DRILL_FOLDER });
if (existsSync(dir)) await succeed(dir, ['down']);
rmSync(dir, { recursive: true, force: true });
process.stderr.write(await succeed(dir, ['up']));

// Writes the stacks of today as those of the last release, when a release is made: the tests then plan every later
// change against them. Usage: node platform/test/write-last-release.ts
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { synthesize } from '../src/app.ts';

// One of each kind, and the largest of the clusters.
const KEPT = ['bootstrap-333333333333', 'registry', 'production-network', 'production-cluster', 'production-argocd'];

const scratch = mkdtempSync(join(tmpdir(), 'last-release-'));
const target = resolve(import.meta.dirname, 'last-release');
rmSync(target, { recursive: true, force: true });
for (const { name, folder } of synthesize(resolve(import.meta.dirname, '../..'), join(scratch, 'out')))
  if (KEPT.includes(name)) cpSync(folder, join(target, name), { recursive: true });
rmSync(scratch, { recursive: true, force: true });

// CDKTF is archived; CDK Terrain (cdktn) goes on from it. With this, every import of the one finds the other: the way
// out, tried on each run of the tests.
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const from = pathToFileURL(resolve(import.meta.dirname, 'successor.test.ts')).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'cdktf' || specifier.startsWith('cdktf/')
      ? next(specifier.replace('cdktf', 'cdktf-successor'), { ...context, parentURL: from })
      : next(specifier, context),
});

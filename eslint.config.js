import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import importSort from 'eslint-plugin-simple-import-sort';
import tseslint from 'typescript-eslint';

// Nobody reaches into another package: what a package offers stands in the `exports` of its package.json.
const insideAnotherPackage = {
  regex: '^(@gitops/[a-z-]+/(src|test)/|(\\.\\./)+(packages/[a-z-]+|platform|service|e2e)/)',
  message: "Import what the package offers: a path that the 'exports' of its package.json name.",
};
// The root of a provider's bindings takes seconds and half a gigabyte.
const rootOfBindings = {
  regex: '^@cdktf/provider-[a-z]+(/lib)?(/index\\.js)?$',
  message: 'Import the one resource: @cdktf/provider-aws/lib/vpc/index.js.',
};

export default defineConfig(
  globalIgnores(['**/node_modules/', '**/.tap/', '**/.turbo/', '**/dist/', '**/cdktf.out*/', '.local/']),
  js.configs.recommended,
  {
    plugins: { 'import-sort': importSort },
    rules: {
      // Node's own modules, then those of others, then the workspace's, then the package's own; no blank lines between.
      'import-sort/imports': ['error', { groups: [['^\\u0000', '^node:', '^(?!@gitops/)@?\\w', '^@gitops/', '^\\.']] }],
      'import-sort/exports': 'error',
      'no-restricted-imports': ['error', { patterns: [insideAnotherPackage, rootOfBindings] }],
      'max-depth': ['error', 3],
      'max-nested-callbacks': ['error', 3],
      'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // `const { secret: _, ...rest }` leaves one out.
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      // Numbers read well in messages; everything else still needs an explicit conversion.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    // tap's t.test() and friends return promises that tap itself awaits.
    files: ['**/test/**/*.ts', 'e2e/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
);

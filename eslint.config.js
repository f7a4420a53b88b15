import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['**/node_modules/', '**/.tap/', '**/.turbo/', '**/dist/', '.local/']),
  js.configs.recommended,
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
    // The root of a provider's bindings takes seconds and half a gigabyte.
    files: ['platform/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: '^@cdktf/provider-[a-z]+(/lib)?(/index\\.js)?$', message: 'Import the one resource: @cdktf/provider-aws/lib/vpc/index.js.' }] }] },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
);

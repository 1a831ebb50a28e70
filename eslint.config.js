import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Globals of Node that plain JavaScript files use; TypeScript knows its own. */
const nodeGlobals = Object.fromEntries(
  [
    'AbortController',
    'AbortSignal',
    'Buffer',
    'clearImmediate',
    'clearInterval',
    'clearTimeout',
    'console',
    'MessageChannel',
    'performance',
    'process',
    'queueMicrotask',
    'setImmediate',
    'setInterval',
    'setTimeout',
    'SharedArrayBuffer',
    'structuredClone',
    'TextDecoder',
    'TextEncoder',
    'URL',
  ].map((name) => [name, 'readonly']),
);

export default defineConfig(
  globalIgnores([
    'build/',
    'build-cmake/',
    'dist/',
    'prebuilds/',
    'docs/api/',
    'benchmarks/results/',
    'test/package/consumer/*.?ts',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // `while (true)` is how a retry loop reads best.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // Numbers in messages are the rule here, not an accident.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `async` without `await` is how a method turns what its body throws into a rejection.
      '@typescript-eslint/require-await': 'off',
      // A class may exist for its constructor, which picks another class by its arguments.
      '@typescript-eslint/no-extraneous-class': ['error', { allowStaticOnly: true }],
      // It asks for `x!`, which no-non-null-assertion forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // `noPropertyAccessFromIndexSignature` of the compiler asks for the opposite.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: nodeGlobals },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { globals: { ...nodeGlobals, require: 'readonly', module: 'writable', __filename: 'readonly' } },
  },
);

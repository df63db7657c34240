import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['**/node_modules/', '.types/', '.wrangler/', '**/.svelte-kit/', '**/dist/', '**/build/'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // All tenants share the isolate: what a module keeps, every tenant would see.
    files: ['worker/**/*.ts', 'core/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'Program > VariableDeclaration[kind=/let|var/]', message: 'No mutable module state: all tenants share the isolate.' },
        {
          selector: 'Program > ExportNamedDeclaration > VariableDeclaration[kind=/let|var/]',
          message: 'No mutable module state: all tenants share the isolate.',
        },
        {
          selector:
            'Program > VariableDeclaration > VariableDeclarator > NewExpression[callee.name=/^(Map|Set|WeakMap|WeakSet)$/][arguments.length=0]',
          message: 'No mutable module state: all tenants share the isolate.',
        },
        { selector: 'TSEnumDeclaration', message: 'Use a const object.' },
      ],
    },
  },
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser }, globals: { ...globals.browser } } },
  { files: ['web/**/*.ts', 'web/static/*.js'], languageOptions: { globals: { ...globals.browser } } },
  // Every address comes from web/src/lib/route.ts, and the app is served from the root: there is no base path to resolve.
  { files: ['web/src/**'], rules: { 'svelte/no-navigation-without-resolve': 'off' } },
  { files: ['scripts/**', 'runner/**', 'cli/**', 'test/**', '*.js', '*.ts'], languageOptions: { globals: { ...globals.node } } },
  {
    files: ['scripts/**', 'runner/src/**', 'cli/**', 'test/support/large-tenant.ts', 'test/support/scim-tenant.ts'],
    rules: { 'no-console': 'off' },
  },
);

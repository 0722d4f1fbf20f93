// Lint rules: typed where a mistake costs a crash (promises, any), few where it is a matter of taste (Prettier decides).
// assembly/ is AssemblyScript, whose own compiler checks it.

import tseslint from 'typescript-eslint'

/** A disable comment says why, behind `--`. */
const disableReason = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { missing: 'Say why behind `--`: eslint-disable-next-line rule -- reason' },
  },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!/^\s*eslint-disable/.test(comment.value) || /\s--\s+\S/.test(comment.value)) continue
          context.report({ loc: comment.loc, messageId: 'missing' })
        }
      },
    }
  },
}

export default tseslint.config(
  {
    ignores: [
      '**/node_modules/',
      '**/.wrangler/',
      '**/build/',
      '**/dist/',
      '**/__pycache__/',
      'assembly/',
      'examples/', // its packages are installed for their test alone, which checks the types
      'models/',
      'public/',
      'published/',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    plugins: { islet: { rules: { 'disable-reason': disableReason } } },
    rules: {
      'islet/disable-reason': 'error',
      'no-constant-binary-expression': 'error',
      'no-unsafe-finally': 'error',
      'no-self-compare': 'off', // x !== x is how to ask for NaN without a call
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description' }],
      // What was caught is kept as unknown and thrown on as it was.
      '@typescript-eslint/only-throw-error': 'off',
      // Kernels and the parts of a closure are plain functions, whichever way their type is spelled.
      '@typescript-eslint/unbound-method': 'off',
      // It asks to spell the type of JSON twice, once for the call and once for what comes back.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // Methods that an interface or a platform calls are async by contract, also where nothing waits.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // A Worker's environment is what its handlers are given: a library reads none by itself.
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'cloudflare:workers', importNames: ['default', 'env', 'exports', 'withEnv'] }] },
      ],
    },
  },
  {
    // The types of Workers declare Buffer as any, and so do expect.objectContaining and its kin: src/ does without.
    files: ['{cli,test,tools,bench,soak,clients,report,scripts}/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
)

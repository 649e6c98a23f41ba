import { defineConfig } from 'vitest/config'

/** They need a process that has loaded nothing yet: the mends change Autobase for good; the others start daemons and browsers. */
const alone = ['kernel/ledger/mends.test.ts', '{test,examples,sdk,mcp}/**/*.test.ts']

export default defineConfig({
  test: {
    exclude: ['**/dist/**', '**/node_modules/**'],
    // Forks keep the native handles of one worker away from the other.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      // One process for many files: importing everything anew for each took a third of the time.
      {
        extends: true,
        test: {
          name: 'modules',
          include: ['{kernel,plugins,cli}/**/*.test.ts'],
          exclude: alone,
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
})

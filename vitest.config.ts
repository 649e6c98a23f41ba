import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{kernel,plugins,cli,sdk,test,examples}/**/*.test.ts'],
    exclude: ['dist/**', 'sdk/dist/**', 'node_modules/**'],
    // Each file opens real stores and sockets; forks keep native handles of one file away from another.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})

/** The shapes of the runs that `npm run soak` knows. */
import type { Shape } from './run.ts'

/** Two and three peers in turn, one indexer, everything in one process. */
export const convergence = (seed: number): Shape => ({ peers: 2 + (seed % 2), steps: 20, kills: false, indexers: 1 })

/** Three indexers and a fourth member that replaces one of them, each in a process that is killed now and then. */
export const indexers = (): Shape => ({ peers: 4, steps: 40, kills: true, indexers: 3 })

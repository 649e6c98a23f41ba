/** The soak's first part in small: `npm run soak -- convergence` runs more seeds. */
import { expect, test } from 'vitest'
import { run } from './soak/run.ts'
import { convergence } from './soak/shapes.ts'

test.each(Array.from({ length: 10 }, (_, i) => i + 1))('peers that met in any order agree, seed %i', async seed => {
  const outcome = await run(seed, convergence(seed))
  expect(outcome.faults).toEqual([])
  expect(outcome.entries).toBeGreaterThan(0)
})

/** Lets the tests of a file reach a fast-forward with few entries: by Autobase's own measure, not by ours. */
import FastForward from 'autobase/lib/fast-forward.js'
import { afterAll, beforeAll } from 'vitest'

export function fastForwardEarly(): void {
  const ours = FastForward.MINIMUM
  beforeAll(() => {
    FastForward.MINIMUM = 16
  })
  afterAll(() => {
    FastForward.MINIMUM = ours
  })
}

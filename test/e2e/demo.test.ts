/** The two-machine story of `npm run demo` is a test: it checks each step itself and ends with 1 at the first that does not hold. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('the demo holds', () => {
  const demo = join(import.meta.dirname, '..', '..', 'dist', 'test', 'demo.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [demo], { encoding: 'utf8', timeout: 85_000 })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toContain('Everything held.')
}, 90_000)

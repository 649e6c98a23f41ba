/** Version of this program, from its package.json: one folder above dist/. */
import { readFileSync } from 'node:fs'

export function ownVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

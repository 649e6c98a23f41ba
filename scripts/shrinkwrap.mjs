#!/usr/bin/env node
// Writes npm-shrinkwrap.json for the tarball: `overrides` and package-lock.json do not reach those who install, and one version of
// hypercore for all is a condition of consensus. Called by npm before it packs, and with --remove afterwards.
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { production } from './dependencies.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const file = join(root, 'npm-shrinkwrap.json')
if (process.argv.includes('--remove')) {
  rmSync(file, { force: true })
} else {
  const { lock, packages } = production(root)
  const { devDependencies, workspaces, ...own } = lock.packages['']
  const { name, version, lockfileVersion } = lock
  const content = { name, version, lockfileVersion, requires: true, packages: { '': own, ...packages } }
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
}

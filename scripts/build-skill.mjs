#!/usr/bin/env node
// Writes skill/openpact/ from the declarations of the operations that come with OpenPact. With --check it writes nothing and fails on drift.
// Runs from dist/: build first (scripts/prepare.mjs).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import config from '../dist/openpact.config.js'
import { skillFiles } from '../dist/plugins/guide/files.js'
import { operationPoint } from '../dist/plugins/operations/operation.js'

const operations = config.plugins.flatMap(({ contributes = [] }) =>
  contributes.filter(({ point }) => point === operationPoint.id).map(({ value }) => value),
)
const folder = fileURLToPath(new URL('../skill/openpact/', import.meta.url))
const check = process.argv.includes('--check')

const read = file => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

let stale = 0
for (const [name, text] of Object.entries(skillFiles(operations))) {
  if (read(folder + name) === text) continue
  stale++
  if (check) console.error(`skill/openpact/${name} is not what the operations make of it`)
  else {
    mkdirSync(folder, { recursive: true })
    writeFileSync(folder + name, text)
    console.log(`skill/openpact/${name}: written`)
  }
}
if (check && stale > 0) {
  console.error('  Run `npm run build && node scripts/build-skill.mjs` and commit what it writes.')
  process.exit(1)
}

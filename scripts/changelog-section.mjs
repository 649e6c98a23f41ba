#!/usr/bin/env node
// Prints what CHANGELOG.md says about the version in package.json: the notes of a release.
import { readFileSync } from 'node:fs'

const read = name => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
const { version } = JSON.parse(read('package.json'))
const section = read('CHANGELOG.md')
  .split(/^## /m)
  .find(text => text.startsWith(`${version}\n`))
if (section === undefined) {
  console.error(`CHANGELOG.md has no section "## ${version}"`)
  process.exit(1)
}
process.stdout.write(`${section.slice(version.length).trim()}\n`)

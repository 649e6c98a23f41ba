#!/usr/bin/env node
// Lists the licence and size of every package that comes with OpenPact; ends with 1 when one is not on the list. `--all` lists each.
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { production } from './dependencies.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
])

/** `(MIT OR GPL-3.0)` is allowed when one side is, `MIT AND ISC` when both are. */
function isAllowed(licence) {
  const text = licence.replace(/^\((.*)\)$/, '$1')
  if (text.includes(' OR ')) return text.split(' OR ').some(isAllowed)
  if (text.includes(' AND ')) return text.split(' AND ').every(isAllowed)
  return allowed.has(text)
}

function licenceOf({ license, licenses }) {
  const told = license ?? licenses?.map(each => each.type ?? each).join(' OR ')
  return (typeof told === 'object' ? told?.type : told) || 'none'
}

/** Bytes on disk of a package without those below it. */
function sizeOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, item) => {
    if (item.name === 'node_modules') return sum
    const path = join(folder, item.name)
    return sum + (item.isDirectory() ? sizeOf(path) : lstatSync(path).size)
  }, 0)
}

const found = Object.keys(production(root).packages)
  .filter(path => existsSync(join(root, path)))
  .map(path => {
    const card = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
    return { name: `${card.name}@${card.version}`, licence: licenceOf(card), bytes: sizeOf(join(root, path)) }
  })
const mega = bytes => `${(bytes / 1024 ** 2).toFixed(1)} MB`.padStart(9)
const row = ({ name, licence, bytes }) => `${mega(bytes)}  ${licence.padEnd(14)}  ${name}`

const bySize = [...found].sort((a, b) => b.bytes - a.bytes)
console.log((process.argv.includes('--all') ? bySize : bySize.slice(0, 10)).map(row).join('\n'))
const kinds = grouped(found)
console.log(`\n${[...kinds].map(([licence, list]) => `${String(list.length).padStart(4)}  ${licence}`).join('\n')}`)
console.log(`\n${found.length} packages, ${mega(found.reduce((sum, { bytes }) => sum + bytes, 0)).trim()}`)

function grouped(list) {
  const map = new Map()
  for (const each of list) map.set(each.licence, [...(map.get(each.licence) ?? []), each])
  return map
}

const strange = found.filter(({ licence }) => !isAllowed(licence))
if (strange.length > 0) {
  console.error(`\nNot on the list of licences:\n${strange.map(row).join('\n')}`)
  process.exit(1)
}

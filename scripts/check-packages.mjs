#!/usr/bin/env node
// The release without publishing: packs every public package for show and checks what would be in it. Names every fault.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const run = promisify(execFile)
/** Most that a tarball may weigh, bytes. */
const heaviest = 2 * 1024 ** 2
const shipped =
  /^(package\.json|npm-shrinkwrap\.json|LICENSE|README\.md|CHANGELOG\.md|SKILL\.md|(dist|openpact|references)\/.+)$/
const unwanted =
  /(^|\/)(\.|node_modules\/)|\.(test|check|bench)\.|\.map$|\.tsbuildinfo$|(?<!\.d)\.ts$|^dist\/(test|bench|examples|sdk)\//

const card = folder => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
const own = card('.')
const folders = ['.', ...(own.workspaces ?? []).flatMap(expand)].filter(folder => !card(folder).private)

/** A workspace may be a folder or all folders in one: `packages/*`. */
function expand(workspace) {
  if (!workspace.endsWith('/*')) return existsSync(join(root, workspace, 'package.json')) ? [workspace] : []
  const above = workspace.slice(0, -2)
  const inside = existsSync(join(root, above)) ? readdirSync(join(root, above)) : []
  return inside.map(name => `${above}/${name}`).filter(folder => existsSync(join(root, folder, 'package.json')))
}

/** Every path that `exports`, `bin` and `main` promise. */
function promised({ exports = {}, bin = {}, main }) {
  const visit = value => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(visit))
  return [...visit(exports), ...visit(bin), ...visit(main ?? [])].map(path => path.replace(/^\.\//, ''))
}

function matches(path, files) {
  const [before, after] = path.split('*')
  if (after === undefined) return files.includes(path)
  return files.some(file => file.startsWith(before) && file.endsWith(after))
}

async function check(folder) {
  const about = card(folder)
  const options = { cwd: join(root, folder), maxBuffer: 1e8 }
  const { stdout, failure } = await run('npm', ['pack', '--dry-run', '--json', '--loglevel=error'], options).catch(
    error => ({ stdout: '', failure: error.stderr || error.message }),
  )
  if (failure) return [`${about.name}: it cannot be packed:\n${failure.trim()}`]
  // Scripts of the package print before npm does. Old npm answers a list, new npm an object by name.
  const answer = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)))
  const [pack] = Object.values(answer)
  const files = pack.files.map(({ path }) => path)
  const faults = []
  const fault = text => faults.push(`${about.name}: ${text}`)
  for (const path of files) {
    if (!shipped.test(path) || unwanted.test(path)) fault(`${path} is not for others`)
  }
  for (const path of promised(about))
    if (!matches(path, files)) fault(`${path} is promised in package.json and not there`)
  for (const path of ['LICENSE', 'README.md']) if (!files.includes(path)) fault(`${path} is missing`)
  if (folder === '.' && !files.includes('npm-shrinkwrap.json')) fault('npm-shrinkwrap.json is missing')
  if (pack.size > heaviest) fault(`${pack.size} bytes packed; ${heaviest} is the limit`)
  if (about.version !== own.version)
    fault(`version ${about.version}; all public packages are released as ${own.version}`)
  console.log(`${about.name}@${about.version}: ${files.length} files, ${(pack.size / 1024).toFixed(0)} kB packed`)
  return faults
}

const faults = (await Promise.all(folders.map(check))).flat()
if (!readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(`\n## ${own.version}\n`)) {
  faults.push(`CHANGELOG.md has no section "## ${own.version}"`)
}
if (faults.length > 0) {
  console.error(`\n${faults.slice(0, 40).join('\n')}\n\n${faults.length} faults`)
  process.exit(1)
}

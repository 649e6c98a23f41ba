#!/usr/bin/env node
// Makes a clone ready to run: installs when node_modules does not match the lockfile, builds when dist is older than the sources.
// Plain Node without dependencies, because it runs before anything is installed. Says nothing when there is nothing to do.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

let child = null
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const lock = join(root, '.prepare.lock')
const marker = join(root, 'dist', '.built.json')
const sources = ['types', 'kernel', 'plugins', 'cli', 'sdk', 'mcp', 'templates', 'bench', 'examples', 'test']
const settings = ['openpact.config.ts', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']

const read = path => JSON.parse(readFileSync(path, 'utf8'))
const tryRead = path => {
  try {
    return read(path)
  } catch {
    return null
  }
}

function fail(message, help) {
  console.error(`openpact: ${message}\n  ${help}`)
  process.exit(1)
}

/** npm writes node_modules/.package-lock.json last, so its presence means a finished install; its content says of what. */
function installed() {
  const wanted = read(join(root, 'package-lock.json')).packages
  const found = tryRead(join(root, 'node_modules', '.package-lock.json'))?.packages
  if (!found) return false
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (path === '' || link) return true
    return found[path] ? found[path].version === version : optional === true
  })
}

function walk(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap(item => {
    const path = join(folder, item.name)
    if (item.isDirectory()) return walk(path)
    return /\.ts$/.test(item.name) && !/\.test\.ts$/.test(item.name) ? [path] : []
  })
}

/** Everything the build depends on, by path; sizes and times say whether it changed. */
function inventory() {
  const files = [...sources.flatMap(folder => walk(join(root, folder))), ...settings.map(file => join(root, file))]
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`${file}\0${mtimeMs}\0${size}\n`)
  }
  return { digest: hash.digest('hex'), files: files.map(file => relative(root, file).split(sep).join('/')) }
}

/** Outputs of sources that are gone would still be found by imports. */
function removeStale(before, now) {
  const present = new Set(now)
  for (const file of before) {
    if (present.has(file)) continue
    const stem = join(root, 'dist', file.replace(/\.ts$/, ''))
    for (const end of ['.js', '.js.map', '.d.ts']) rmSync(stem + end, { force: true })
  }
}

/** Runs a program with its output shown only when it fails, and a sign of life meanwhile. */
async function run(what, command, args) {
  const started = Date.now()
  process.stderr.write(`${what} …\n`)
  child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
  const output = []
  child.stdout.on('data', data => output.push(data))
  child.stderr.on('data', data => output.push(data))
  const alive = setInterval(() => {
    process.stderr.write(`  still at it after ${Math.round((Date.now() - started) / 1000)} s\n`)
  }, 10_000)
  const code = await new Promise(resolve => {
    child.on('error', () => resolve(127))
    child.on('close', resolve)
  })
  clearInterval(alive)
  if (code === 0) process.stderr.write(`  done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  else process.stderr.write(`${Buffer.concat(output).toString().split('\n').slice(0, 30).join('\n')}\n`)
  return code
}

/** Two terminals may start in the same empty clone: the second waits for the first. */
async function acquire() {
  for (let said = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      process.on('exit', () => rmSync(lock, { force: true }))
      return
    } catch (error) {
      if (error.code !== 'EEXIST')
        fail(`this folder cannot be written: ${error.code}`, `Check the permissions of ${root}.`)
    }
    if (abandoned()) {
      rmSync(lock, { force: true })
      continue
    }
    if (!said) process.stderr.write('Waiting for another install or build in this folder …\n')
    said = true
    await delay(250)
  }
}

/** Whether the process that took the lock is gone. A lock without a number in it is one that is just being written. */
function abandoned() {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    if (!pid) return Date.now() - statSync(lock).mtimeMs > 5000
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

const built = () => {
  const before = tryRead(marker)
  const now = inventory()
  return { before, now, fresh: before?.digest === now.digest }
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `Node ${process.versions.node} is too old.`,
    'Install Node 20.19 or newer from https://nodejs.org and try again.',
  )
}
if (!(installed() && built().fresh)) {
  await acquire()
  const stop = status => () => {
    child?.kill()
    process.exit(status)
  }
  process.on('SIGINT', stop(130))
  process.on('SIGTERM', stop(143))
  if (!installed()) {
    // Left by a pack that was broken off; npm would install by it instead of by the lock file.
    rmSync(join(root, 'npm-shrinkwrap.json'), { force: true })
    const code = await run('Installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--include=dev'])
    if (code !== 0) fail('the install failed (above).', 'Check the network connection, then run the command again.')
  }
  const { before, now, fresh } = built()
  if (!fresh) {
    removeStale(before?.files ?? [], now.files)
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const code = await run('Building', process.execPath, [tsc, '-p', 'tsconfig.build.json'])
    if (code !== 0) fail('the build failed (above).', 'Correct the named files and run the command again.')
    mkdirSync(dirname(marker), { recursive: true })
    writeFileSync(marker, JSON.stringify(now))
  }
}

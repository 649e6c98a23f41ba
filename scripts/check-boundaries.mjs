#!/usr/bin/env node
// Who may import whom, and what consensus code may touch (rules 1 and 2 of docs/ARCHITECTURE.md). Names every fault with file and line.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'))

/** Files by which others may know a plugin: its contract. Everything else in its folder is its own affair. */
const anyContract = ['index', 'service', 'errors']
const contracts = {
  access: ['permits', 'limits', 'valid'],
  http: ['route'],
  invites: ['token'],
  operations: [
    'operation',
    'health',
    'http-shape',
    'schema-check',
    'near-names',
    'named-agent',
    'unsettled',
    'coded',
    'marks',
  ],
  pacts: ['seats', 'shapes'],
  'read-model': ['table', 'wire'],
  store: ['sqlite', 'local'],
}
const rulePackages = new Set(['blind-pairing-core', 'compact-encoding', 'b4a', 'hypercore-crypto'])
const outsideKernel =
  /^(fastify|@fastify\/.*|@photostructure\/sqlite|@modelcontextprotocol\/.*|commander|eventsource|(node:)?(http|https|http2|sqlite))$/
const impure =
  /\b(Date|Intl|process|globalThis|performance|fetch|require|setTimeout|setInterval|setImmediate|queueMicrotask|console|eval|Function|WebAssembly|SharedArrayBuffer|Atomics|WeakRef|FinalizationRegistry|__dirname|__filename)\b|\bMath\.random\b|\.(localeCompare|toLocale\w+)\b|\bimport\s*\(|\bimport\.meta\b|\b(crypto)\.(random\w*|getRandomValues)\b/
const longest = 500
/** Lines of the kernel that are neither empty nor comments: what grows beyond it is a plugin, or replaces something (ADR 12). */
const kernelCeiling = 7700

const declared = new Set(Object.keys({ ...readJson('package.json').dependencies }))
const faults = []
const fault = (file, line, text) => faults.push(`${file}:${line}: ${text}`)

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

function walk(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap(item => {
    const path = `${folder}/${item.name}`
    if (item.isDirectory()) return ['node_modules', 'dist', 'fixtures'].includes(item.name) ? [] : walk(path)
    return /\.(ts|tsx|mjs)$/.test(item.name) ? [path] : []
  })
}

/** The text with comments (and, when asked, strings) blanked out, line numbers kept. */
function code(text, { strings }) {
  return text.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    part => {
      const quoted = part[0] !== '/'
      return quoted && !strings ? part : part.replace(/[^\n]/g, ' ')
    },
  )
}

/** Every import and re-export: what, where, and whether it vanishes when types are erased. */
function imports(text) {
  const found = []
  const clean = code(text, { strings: false })
  const pattern =
    /\b(?:import|export)\s+(type\s+)?(?:[\w*{][\w\s*{},$]*?\sfrom\s+)?(['"])([^'"\n]+)\2|\bimport\(\s*(['"])([^'"\n]+)\4/g
  for (const match of clean.matchAll(pattern)) {
    found.push({
      to: match[3] ?? match[5],
      type: Boolean(match[1]),
      line: clean.slice(0, match.index).split('\n').length,
    })
  }
  return found
}

const isTest = file => /\.test\.ts$/.test(file)
const target = (from, to) => normalize(join(dirname(from), to)).replaceAll('\\', '/')
const packageOf = name => (name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : name.split('/')[0])

function checkKernel(file, { to, line }) {
  if (!to.startsWith('.')) {
    if (outsideKernel.test(to)) fault(file, line, `the kernel must not use ${to}`)
    return
  }
  const path = target(file, to)
  if (!/^(kernel|types)\//.test(path)) fault(file, line, `the kernel must not import ${path}`)
}

function checkPlugin(file, { to, line }, consensus) {
  if (!to.startsWith('.')) return
  const path = target(file, to)
  const own = file.split('/').slice(0, 2).join('/')
  if (path.startsWith('kernel/')) {
    const allowed = consensus ? ['kernel/rules.ts'] : ['kernel/index.ts', 'kernel/rules.ts']
    if (!allowed.includes(path)) fault(file, line, `a plugin reaches the kernel through ${allowed[0]}, not ${path}`)
  } else if (path.startsWith('plugins/')) {
    if (path.startsWith(`${own}/`)) return
    const [, name, ...rest] = path.replace(/\.ts$/, '').split('/')
    const contract = [...anyContract, ...(contracts[name] ?? [])]
    if (consensus) fault(file, line, `a rule imports only files beside it, not ${path}`)
    else if (!contract.includes(rest.join('/')))
      fault(file, line, `${path} is not of the contract of "${name}" (${contract.join(', ')})`)
  } else if (!path.startsWith('types/')) {
    fault(file, line, `a plugin must not import ${path}`)
  }
}

function checkPure(file, text) {
  code(text, { strings: true })
    .split('\n')
    .forEach((row, index) => {
      const match = impure.exec(row)
      if (match) fault(file, index + 1, `consensus code must not use ${match[0]}`)
    })
}

/** Files that a rule runs: its own and those beside it that it imports for more than types. */
function consensusFiles() {
  const found = new Set()
  const visit = file => {
    if (found.has(file) || !existsSync(file)) return
    found.add(file)
    for (const { to, type } of imports(readFileSync(file, 'utf8'))) {
      if (to.startsWith('.') && !type) visit(target(file, to))
    }
  }
  for (const file of walk('plugins')) if (/\/rules\.ts$/.test(file)) visit(file)
  visit('kernel/rules.ts')
  return found
}

const consensus = consensusFiles()
const files = ['kernel', 'plugins', 'cli', 'sdk', 'mcp', 'templates', 'examples', 'test', 'bench', 'scripts'].flatMap(
  walk,
)
let kernelLines = 0
for (const file of files) {
  const text = readFileSync(file, 'utf8')
  const lines = text.split('\n').length - 1
  if (lines > longest) fault(file, longest, `${lines} lines; ${longest} is the limit`)
  if (isTest(file)) continue
  const rule = consensus.has(file)
  if (rule || /^kernel\/ledger\/apply/.test(file)) checkPure(file, text)
  if (file.startsWith('kernel/')) kernelLines += code(text, { strings: false }).match(/\S.*/g)?.length ?? 0
  for (const found of imports(text)) {
    const bare = !found.to.startsWith('.') && !found.to.startsWith('node:')
    const shipped = /^(kernel|plugins|cli|sdk|mcp)\//.test(file)
    if (bare && shipped && !declared.has(packageOf(found.to))) {
      fault(file, found.line, `${found.to} is not in package.json dependencies`)
    }
    if (rule && !found.type && !found.to.startsWith('.') && !rulePackages.has(found.to)) {
      fault(file, found.line, `a rule must not import ${found.to} (only ${[...rulePackages].join(', ')})`)
    }
    if (file.startsWith('kernel/')) checkKernel(file, found)
    if (file.startsWith('plugins/')) checkPlugin(file, found, rule)
  }
}

if (kernelLines > kernelCeiling) fault('kernel', 1, `${kernelLines} lines of code; ${kernelCeiling} is the limit`)

if (faults.length > 0) {
  console.error(faults.sort().join('\n'))
  console.error(`\n${faults.length} faults`)
  process.exit(1)
}
console.log(
  `boundaries hold: ${files.length} files, ${consensus.size} of them consensus, kernel ${kernelLines} lines of code`,
)

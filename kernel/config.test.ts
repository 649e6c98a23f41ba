import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Config, defineConfig, loadConfig, mergeConfig, parseHostPort } from './config.ts'

let root: string
let count = 0
const cwd = process.cwd()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'openpact-config-'))
})
afterAll(async () => {
  process.chdir(cwd)
  await rm(root, { recursive: true })
})

async function dir(files: Record<string, string> = {}): Promise<string> {
  const path = join(root, String(count++))
  await mkdir(path, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return path
}

const load = async (files: Record<string, string>) => loadConfig({ dataDir: await dir(files) })

describe('finding', () => {
  const level = (text: string) => ({ log: { level: text } })
  test.each([
    ['openpact.config.ts', `const level: string = 'warn'\nexport default { log: { level } }`],
    ['openpact.config.js', `export default { log: { level: 'warn' } }`],
    ['openpact.config.mjs', `export default { log: { level: 'warn' } }`],
    ['openpact.config.json', `{ "log": { "level": "warn" } }`],
    ['openpact.config.yaml', 'log:\n  level: warn\n'],
    ['openpact.config.yml', 'log: { level: warn }'],
  ])('%s', async (name, text) => {
    const dataDir = await dir({ [name]: text })
    const { config, file } = await loadConfig({ dataDir })
    expect(config).toMatchObject(level('warn'))
    expect(file).toBe(join(dataDir, name))
  })

  test('none: an empty configuration', async () => {
    expect(await load({})).toEqual({ config: {}, file: null })
    expect(await loadConfig({ dataDir: join(root, 'not there') })).toEqual({ config: {}, file: null })
  })

  test('an empty file is an empty configuration', async () => {
    for (const name of ['openpact.config.yaml', 'openpact.config.json']) {
      expect((await load({ [name]: '' })).config).toEqual({ plugins: [] })
    }
  })

  test('an explicit path wins over the data directory', async () => {
    const elsewhere = await dir({ 'mine.yaml': 'log: { level: error }' })
    const dataDir = await dir({ 'openpact.config.json': '{"log":{"level":"warn"}}' })
    const { config } = await loadConfig({ dataDir, file: join(elsewhere, 'mine.yaml') })
    expect(config).toMatchObject(level('error'))
  })

  test('the working directory and its parents are never read nor run', async () => {
    const trap = `globalThis.trapped = true; require('node:fs').writeFileSync(__dirname + '/ran', ''); module.exports = {}`
    const parent = await dir({
      'openpact.config.cjs': trap,
      'openpact.config.js': `globalThis.trapped = true; export default { log: { level: 'error' } }`,
      '.config/config.js': trap,
      'package.json': '{"cosmiconfig":{"searchPlaces":["trap.json"]},"openpact":{"log":{"level":"error"}}}',
      'inner/.config/config.cjs': trap,
      'inner/openpact.config.json': '{"log":{"level":"error"}}',
      'inner/data/keep': '',
    })
    process.chdir(join(parent, 'inner'))
    expect(await loadConfig({ dataDir: join(parent, 'inner', 'data') })).toEqual({ config: {}, file: null })
    process.chdir(cwd)
    expect(globalThis).not.toHaveProperty('trapped')
    const { stdout } = spawnSync('find', [parent, '-name', 'ran'], { encoding: 'utf8' })
    expect(stdout).toBe('')
  })

  test('two configurations are refused, not one of them ignored', async () => {
    const both = load({ 'openpact.config.ts': 'export default {}', 'openpact.config.yaml': '' })
    await expect(both).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: /openpact.config.yaml; keep one/ })
  })
})

describe('faults are coded, name the file, and hold no stack or path of this machine', () => {
  const unreadable: [string, string, string | RegExp][] = [
    ['openpact.config.ts', 'export default {', /.+/],
    ['openpact.config.ts', `throw new Error('from inside')`, /from inside/],
    ['openpact.config.ts', `import './missing.ts'\nexport default {}`, /missing/],
    ['openpact.config.json', '{ "log": ', /JSON/],
    ['openpact.config.yaml', 'log: [', /YAML/],
  ]
  test.each(unreadable)('%s: %s', async (name, text, reason) => {
    const error = await load({ [name]: text }).catch(e => e)
    expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE', details: { file: name } })
    expect(error.message).toMatch(reason)
    expect(error.message).not.toContain(root)
    expect(error.message).not.toMatch(/\n|\bat .*:\d+/)
  })

  const invalid: [string, string][] = [
    ['[]', 'it must export an object by default'],
    [
      '{ "http": { "port": 1 } }',
      'unknown field "http" (a plugin has its settings in plugins: [{ plugin: "http", config: { … } }])',
    ],
    ['{ "plugin": [] }', 'unknown field "plugin" (Did you mean "plugins"?)'],
    ['{ "plugins": {} }', 'plugins must be array'],
    ['{ "network": { "prot": 1 } }', 'network: unknown field "prot" (Did you mean "port"?)'],
    ['{ "network": { "port": "80" } }', 'network.port must be integer'],
    ['{ "network": { "port": 70000 } }', 'network.port must be <= 65535'],
    ['{ "network": { "bootstrap": ["nohost"] } }', 'network.bootstrap.0 must match pattern'],
    ['{ "network": true }', 'network must be object'],
    ['{ "log": { "level": "loud" } }', 'log.level must be one of "debug", "info", "warn", "error"'],
  ]
  test.each(invalid)('%s', async (text, reason) => {
    const error = await load({ 'openpact.config.json': text }).catch(e => e)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', details: { file: 'openpact.config.json' } })
    expect(error.message).toContain(reason)
  })

  test('all faults are told at once', async () => {
    const error = await load({ 'openpact.config.yaml': 'logs: 1\nnetwork: { port: x }' }).catch(e => e)
    expect(error.message).toMatch(/: unknown field "logs" \(Did you mean "log"\?\); network.port must be integer$/)
  })

  test('an explicit file that is missing, a folder, or of another kind', async () => {
    const dataDir = await dir({ 'config.toml': '' })
    for (const [file, reason] of [
      ['gone.yaml', 'there is no such file'],
      ['config.toml', 'its name must end in'],
    ] as const) {
      const error = await loadConfig({ dataDir, file: join(dataDir, file) }).catch(e => e)
      expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE', details: { file } })
      expect(error.message).toContain(reason)
    }
    await mkdir(join(dataDir, 'folder.json'))
    const folder = loadConfig({ dataDir, file: join(dataDir, 'folder.json') })
    await expect(folder).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', message: /it is a folder/ })
  })
})

test('a TypeScript configuration of a third party gets the running copy, and entries know where they stand', async () => {
  const dataDir = await dir()
  await cp(new URL('./host/fixtures/third-party', import.meta.url), dataDir, { recursive: true })
  const { config } = await loadConfig({ dataDir })
  const from = join(dataDir, 'openpact.config.ts')
  expect(config.plugins).toEqual([{ plugin: './greeter.ts', config: { loud: true }, from }])
  expect(config.network).toEqual({ bootstrap: ['127.0.0.1:49737'], port: 0 })
})

test('every entry knows its file, even one that is no plugin: the host refuses it by name', async () => {
  const dataDir = await dir({ 'openpact.config.yaml': 'plugins: [a, 7, { plugin: b, off: true }]' })
  const from = join(dataDir, 'openpact.config.yaml')
  const { config } = await loadConfig({ dataDir })
  expect(config.plugins).toEqual([
    { plugin: 'a', from },
    { plugin: 7, from },
    { plugin: 'b', off: true, from },
  ])
})

test('merging: plugins are listed after each other, network and log field by field, false replaces', () => {
  const lower = defineConfig({ plugins: ['a'], network: { port: 1, bind: '::1' }, log: { level: 'info' } })
  expect(mergeConfig(lower, { plugins: ['b'], network: { port: 2 } })).toEqual({
    plugins: ['a', 'b'],
    network: { port: 2, bind: '::1' },
    log: { level: 'info' },
  })
  expect(mergeConfig(lower, { network: false }).network).toBe(false)
  expect(mergeConfig({ network: false }, { network: { port: 1 } }).network).toEqual({ port: 1 })
  expect(mergeConfig({}, {})).toEqual({ plugins: [], log: {} } satisfies Config)
})

test('host:port', () => {
  expect(parseHostPort('127.0.0.1:49737')).toEqual({ host: '127.0.0.1', port: 49737 })
  expect(parseHostPort('[::1]:1')).toEqual({ host: '::1', port: 1 })
})

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isOpenPactError } from '../errors.ts'
import { definePlugin, type Plugin, type PluginEntry } from '../plugin.ts'
import { isRecord } from '../rules.ts'
import { createLoader } from './loader.ts'
import { resolvePlugins } from './resolve.ts'

let root: string
let count = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'openpact-resolve-'))
})
afterAll(() => rm(root, { recursive: true }))

async function dir(files: Record<string, string> = {}): Promise<string> {
  const path = join(root, String(count++))
  await mkdir(path)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return path
}

const plugin = (name: string, more: Partial<Plugin> = {}): Plugin => ({
  name,
  version: '1.0.0',
  api: 1,
  summary: 'A plugin',
  ...more,
})
const source = (name: string) => `export default { name: '${name}', version: '1', api: 1, summary: 's' }`
const reasons = async (entries: unknown[], base = root) =>
  (await resolvePlugins(entries as PluginEntry[], base)).faults.map(f => `${f.plugin} (${f.source}): ${f.reason}`)

describe('a third-party plugin in TypeScript, outside of the repository', () => {
  const fixture = async () => {
    const base = await dir()
    await cp(new URL('./fixtures/third-party', import.meta.url), base, { recursive: true })
    return base
  }

  test('is loaded by path with its settings', async () => {
    const { listed, faults } = await resolvePlugins(
      [{ plugin: './greeter.ts', config: { loud: true } }],
      await fixture(),
    )
    expect(faults).toEqual([])
    expect(listed).toMatchObject([
      { plugin: { name: 'greeter' }, source: './greeter.ts', settings: { loud: true }, optional: false, off: false },
    ])
  })

  test('gets the running copy of the kernel, of the rules, and of typebox', async () => {
    const base = await fixture()
    await writeFile(join(base, 'seen.ts'), `export { seen as default } from './greeter.ts'`)
    const loader = await createLoader(join(base, 'openpact.config.ts'))
    const seen = (await loader.load(loader.find('./seen.ts')!)) as Record<string, unknown>
    expect(seen.definePlugin).toBe(definePlugin)
    expect(seen.isRecord).toBe(isRecord)
    expect(seen.Type).toBe(Type)
  })

  test('its coded errors are ours', async () => {
    const { listed } = await resolvePlugins(['./greeter.ts'], await fixture())
    let greeter = { greet: (_: string) => '' }
    const provide = (_: unknown, implementation: typeof greeter) => {
      greeter = implementation
    }
    listed[0]?.plugin.setup?.({ provide, config: { loud: true } } as never)
    expect(greeter.greet('ann')).toBe('HELLO ANN')
    let thrown: unknown
    try {
      greeter.greet('')
    } catch (error) {
      thrown = error
    }
    expect(isOpenPactError(thrown) && thrown.kind).toBe('invalid')
  })

  test('a package of the folder of the configuration is found by its name, compiled or not, scoped or not', async () => {
    const file = (name: string) =>
      `import { definePlugin } from 'openpact'\nexport default definePlugin({ name: '${name}', version: '1', api: 1, summary: 's' })`
    const manifest = '{ "type": "module", "exports": "./index.js", "version": "1.0.0" }'
    const base = await dir({
      'node_modules/openpact-plugin-one/package.json': manifest,
      'node_modules/openpact-plugin-one/index.js': file('one'),
      'node_modules/@acme/two/package.json': '{ "exports": "./two.ts" }',
      'node_modules/@acme/two/two.ts': file('two').replace('export', 'const x: number = 1\nvoid x\nexport'),
      'node_modules/three/package.json': '{ "main": "three.cjs" }',
      'node_modules/three/three.cjs': `module.exports = { name: 'three', version: '1', api: 1, summary: 's' }`,
    })
    const entries = ['openpact-plugin-one', '@acme/two', { plugin: 'three' }, { plugin: 'one', config: { a: 1 } }]
    const { listed, faults } = await resolvePlugins(entries, base)
    expect(faults).toEqual([])
    expect(listed.map(l => [l.plugin.name, l.source, l.settings])).toEqual([
      ['one', 'openpact-plugin-one', { a: 1 }],
      ['two', '@acme/two', {}],
      ['three', 'three', {}],
    ])
  })

  test('packages of the working directory are not found', async () => {
    const base = await dir()
    expect(await reasons(['vitest'], base)).toEqual([
      `vitest (given in code): no listed plugin and no installed package has this name. Install it in ${base}, or take it out of "plugins" (given in code).`,
    ])
  })

  test('each entry is resolved from the file that it stands in', async () => {
    const mine = await dir({ 'p.ts': source('mine') })
    const theirs = await dir({ 'p.ts': source('theirs') })
    const { listed } = await resolvePlugins(
      [{ plugin: './p.ts', from: join(mine, 'openpact.config.yaml') }, './p.ts'],
      theirs,
    )
    expect(listed.map(l => l.plugin.name).sort()).toEqual(['mine', 'theirs'])
  })
})

describe('entries', () => {
  test('a plugin listed elsewhere is configured by its name, in any order', async () => {
    const http = plugin('http')
    const entries: PluginEntry[] = [{ plugin: 'http', config: { port: 1 } }, http, { plugin: 'http', off: true }]
    for (const order of [entries, [...entries].reverse()]) {
      const { listed, faults } = await resolvePlugins(order, root)
      expect(faults).toEqual([])
      expect(listed).toMatchObject([{ plugin: http, settings: { port: 1 }, off: true, optional: false }])
    }
    const from = '/somewhere/openpact.config.json'
    const { listed } = await resolvePlugins([http, { plugin: 'http', off: true, from }], root)
    expect(listed).toMatchObject([{ off: true, source: 'given in code', configured: 'openpact.config.json' }])
  })

  test('a later configuration replaces and extends an earlier one; settings are merged field by field', async () => {
    const [shipped, mine] = [plugin('http'), plugin('http', { version: '2.0.0' })]
    const from = '/somewhere/openpact.config.ts'
    const entries: PluginEntry[] = [
      { plugin: shipped, config: { port: 1, host: 'a' } },
      plugin('tasks'),
      { plugin: mine, from },
      { plugin: 'tasks', config: { lease: 5 }, optional: true, from },
    ]
    const { listed, faults } = await resolvePlugins(entries, root)
    expect(faults).toEqual([])
    expect(listed).toMatchObject([
      { plugin: { name: 'http', version: '2.0.0' }, source: 'openpact.config.ts', settings: {} },
      { plugin: { name: 'tasks' }, source: 'given in code', settings: { lease: 5 }, optional: true },
    ])
    const configured = await resolvePlugins([entries[0]!, { plugin: 'http', config: { port: 2 }, from }], root)
    expect(configured.listed).toMatchObject([{ settings: { port: 2, host: 'a' } }])
  })

  test('faults name plugin and file, and all are told', async () => {
    const base = await dir({
      'syntax.ts': 'export default {',
      'throws.ts': `throw new Error('at import')`,
      'nothing.ts': 'export const a = 1',
      'number.ts': 'export default 1',
      'openpact.config.ts': '',
    })
    const from = join(base, 'openpact.config.ts')
    const faults = await reasons([
      ...['./syntax.ts', './throws.ts', './nothing.ts', './number.ts', './gone.ts', 'htp'].map(p => ({
        plugin: p,
        from,
      })),
      plugin('http'),
      plugin('http'),
      { plugin: plugin('x'), optinal: true },
      7,
      null,
      { plugin: '' },
    ])
    expect(faults).toEqual([
      'x (given in code): unknown field "optinal" (Did you mean "optional"?)',
      'an unnamed plugin (given in code): plugin must be string,object',
      'an unnamed plugin (given in code): plugin must be string,object',
      ' (given in code): plugin must NOT have fewer than 1 characters',
      'http (given in code): there are two plugins of this name; the other is from given in code',
      expect.stringMatching(/^\.\/syntax\.ts \(\.\/syntax\.ts\): it cannot be loaded: .+/),
      './throws.ts (./throws.ts): it cannot be loaded: at import',
      expect.stringMatching(/^\.\/nothing\.ts \(\.\/nothing\.ts\): .*/),
      './number.ts (./number.ts): its default export is not a plugin; make one with definePlugin',
      `./gone.ts (./gone.ts): no plugin is at ${join(base, 'gone.ts')}. Put it back, or take it out of "plugins" (${from}).`,
      `htp (openpact.config.ts): no listed plugin and no installed package has this name. Did you mean "http"? Install it in ${base}, or take it out of "plugins" (${from}).`,
    ])
    // Who has to put something back must know where; no other fault tells of this machine's folders.
    for (const fault of faults.slice(0, -2)) expect(fault).not.toContain(base)
  })

  test('an optional one that cannot be loaded is listed with its failure', async () => {
    const base = await dir({ 'throws.ts': `throw new Error('at import')` })
    const optional = { optional: true }
    const { listed, faults } = await resolvePlugins(
      [
        { plugin: './throws.ts', ...optional },
        { plugin: 'gone', ...optional },
      ],
      base,
    )
    expect(faults).toEqual([])
    expect(listed).toMatchObject([
      { plugin: { name: './throws.ts' }, failure: 'it cannot be loaded: at import' },
      { plugin: { name: 'gone' }, failure: /no installed package/ },
    ])
  })

  test('one that is off may be broken, and its place in the layers does not depend on how it is named', async () => {
    const base = await dir({ 'throws.ts': `throw new Error('at import')`, 'http.ts': source('http') })
    const from = '/later/openpact.config.ts'
    const mine = plugin('http', { version: '2.0.0' })
    const { listed, faults } = await resolvePlugins(
      [{ plugin: './throws.ts', off: true }, './http.ts', { plugin: mine, from }],
      base,
    )
    expect(faults).toEqual([])
    expect(listed.map(l => [l.plugin.name, l.plugin.version, l.off])).toEqual([
      ['http', '2.0.0', false],
      ['./throws.ts', '', true],
    ])
  })

  test('a module that never finishes is given up', async () => {
    const base = await dir({ 'hangs.ts': 'await new Promise(() => {})\nexport default 1' })
    const loader = await createLoader(join(base, 'openpact.config.ts'), 50)
    await expect(loader.load(loader.find('./hangs.ts')!)).rejects.toThrow('it was not evaluated within 50 ms')
  })
})

describe('shape', () => {
  const misdeclared: [string, object, string][] = [
    ['another api', { api: 2 }, 'it asks for api 2; this OpenPact offers api 1'],
    ['a name with blanks', { name: 'My Plugin' }, 'name must match pattern'],
    ['no version', { version: undefined }, 'the field "version" is missing'],
    ['a mistyped field', { setpu: () => undefined }, 'unknown field "setpu" (Did you mean "setup"?)'],
    ['setup that is no function', { setup: 'x' }, 'setup must be a function'],
    ['a service without major', { requires: [{ id: 'x' }] }, 'requires.0: the field "major" is missing'],
    ['an entry type without schema', { entryTypes: [{ name: 'x', v: 1, summary: '' }] }, '"payload" is missing'],
    [
      'a payload that is no schema',
      { entryTypes: [{ name: 'x', v: 1, summary: '', payload: { type: 'nope' } }] },
      'the payload of "x" is no JSON schema',
    ],
    ...[5, '', 'noted {text', 'noted {}', 'noted text}'].map((words): [string, object, string] => [
      `words that name no field: ${words}`,
      { entryTypes: [{ name: 'note', v: 1, summary: '', payload: {}, words }] },
      'the words of "note" must be a text',
    ]),
    ['settings that are no schema', { config: { type: 'object', properties: 3 } }, 'config is no JSON schema'],
    ['rules without types', { rules: { protocol: 1 } }, 'rules: the field "types" is missing'],
    [
      'rules that are no functions',
      { rules: { protocol: 1, types: [], validate: 1 } },
      'rules.validate must be a function',
    ],
    [
      'a proof without verifier',
      { rules: { protocol: 1, types: [], admits: { x: {} } } },
      'rules.admits.x.verify must be a function',
    ],
    ['a point without key', { points: [{ id: 'x' }] }, 'the key of point "x" must be a function'],
    [
      'a contribution without id',
      { contributes: [{ point: 'x', value: 1 }] },
      'contributes.0: the field "id" is missing',
    ],
    ['no start limit', { startLimit: 0 }, 'startLimit must be >= 1'],
  ]
  test.each(misdeclared)('%s', async (_, more, reason) => {
    expect((await reasons([plugin('third', more as Partial<Plugin>)])).join('\n')).toContain(reason)
  })
})

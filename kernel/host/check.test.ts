import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OpenPactError } from '../errors.ts'
import { Type } from '../json-schema.ts'
import { contribute, extensionPoint, type Plugin, serviceRef } from '../plugin.ts'
import { planPlugins } from './check.ts'
import type { Listed } from './resolve.ts'

const [alpha, beta, gamma] = [serviceRef('alpha', 1), serviceRef('beta', 1), serviceRef('gamma', 1)]
const point = extensionPoint<string>('tools.tool', tool => tool)
const type = (name: string) => ({ name, v: 1, payload: Type.Object({}), summary: '' })

function listed(name: string, plugin: Partial<Plugin> = {}, more: Partial<Listed> = {}): Listed {
  return {
    plugin: { name, version: '1', api: 1, summary: '', ...plugin },
    source: `${name}.ts`,
    settings: {},
    optional: false,
    off: false,
    ...more,
  }
}

function faultsOf(...all: Listed[]): string[] {
  try {
    planPlugins(all, [])
    return []
  } catch (error) {
    const { code, message } = error as OpenPactError
    expect(code).toBe('PLUGINS_INVALID')
    return message.split('\n- ').slice(1)
  }
}

const names = (...all: Listed[]) => planPlugins(all, []).running.map(r => r.listed.plugin.name)
const idle = (...all: Listed[]) => planPlugins(all, []).idle.map(i => `${i.listed.plugin.name} ${i.state}: ${i.reason}`)

describe('faults', () => {
  test('all are told in one message, each with plugin and file', () => {
    const all = faultsOf(
      listed('a', { requires: [serviceRef('alhpa', 1)], entryTypes: [type('note')] }),
      listed('b', {
        provides: [alpha],
        entryTypes: [type('note')],
        contributes: [{ point: 'tools.tol', id: 'x', value: 1 }],
      }),
      listed(
        'c',
        { points: [point], config: Type.Object({ port: Type.Integer() }) },
        { settings: { port: 'x', prot: 1 } },
      ),
    )
    expect(all).toEqual([
      'a (a.ts): it requires the service alhpa@1, which no listed plugin provides. Did you mean "alpha@1"?',
      'b (b.ts): "x" is for the unknown extension point "tools.tol". Did you mean "tools.tool"?',
      'b (b.ts): the entry type "note" is also of plugin "a"',
      'c (c.ts): config: port must be integer',
      'c (c.ts): config: unknown field "prot" (Did you mean "port"?)',
    ])
  })

  test('what only one may have: services, points, contributions, admission kinds', () => {
    const twin = {
      provides: [alpha],
      points: [point],
      contributes: [contribute(point, 'hammer')],
      rules: { protocol: 1, types: [], admits: { invite: { verify: () => ({ refuse: 'x' }) } } },
    }
    expect(faultsOf(listed('a', twin), listed('b', twin))).toEqual([
      'b (b.ts): "hammer" for "tools.tool" is also of plugin "a"',
      'b (b.ts): the admission kind "invite" is also of plugin "a"',
      'b (b.ts): the extension point "tools.tool" is also of plugin "a"',
      'b (b.ts): the service alpha is also of plugin "a"',
    ])
    expect(faultsOf(listed('a', { entryTypes: [type('x'), type('x')] }))).toEqual([
      'a (a.ts): it declares the entry type "x" twice',
    ])
  })

  test('entry types of the kernel, rules on foreign types, settings of a plugin that has none', () => {
    expect(faultsOf(listed('a', { entryTypes: [type('member.add')] }))[0]).toContain("is the kernel's")
    expect(faultsOf(listed('a', { rules: { protocol: 1, types: ['task'] } }))[0]).toContain('no entry type of its own')
    expect(faultsOf(listed('a', {}, { settings: { x: 1 } }))[0]).toContain('config: unknown field "x"')
    const elsewhere = { settings: { x: 1 }, source: 'given in code', configured: 'openpact.config.ts' }
    expect(faultsOf(listed('a', {}, elsewhere))[0]).toBe('a (openpact.config.ts): config: unknown field "x"')
  })

  test('another major version of a service is another service', () => {
    const [fault] = faultsOf(listed('a', { provides: [alpha] }), listed('b', { requires: [serviceRef('alpha', 2)] }))
    expect(fault).toContain('requires the service alpha@2, which no listed plugin provides. Did you mean "alpha@1"?')
  })

  test('cycles are told with the way round', () => {
    const cycle = faultsOf(
      listed('a', { provides: [alpha], requires: [beta] }),
      listed('b', { provides: [beta], requires: [gamma] }),
      listed('c', { provides: [gamma], requires: [alpha] }),
      listed('d', { requires: [alpha] }),
    )
    expect(cycle).toEqual(['a (a.ts): it requires itself: a → b → c → a'])
  })

  test('a fault of one does not make its dependents faulty', () => {
    const a = listed('a', { provides: [alpha], config: Type.Object({ x: Type.String() }) })
    expect(faultsOf(a, listed('b', { requires: [alpha] }))).toEqual(['a (a.ts): config: the field "x" is missing'])
  })

  test('faults of resolving are told together with these', () => {
    const found = [{ plugin: './x.ts', source: 'openpact.config.ts', reason: 'there is no such file' }]
    expect(() => planPlugins([listed('a', { requires: [alpha] })], found)).toThrow(
      /- \.\/x\.ts \(openpact\.config\.ts\): there is no such file\n- a \(a\.ts\): it requires/,
    )
  })
})

test('settings get their defaults, and the entry is not changed', () => {
  const config = Type.Object({ port: Type.Integer({ default: 7 }), host: Type.Optional(Type.String()) })
  const one = listed('a', { config }, { settings: { host: 'h' } })
  expect(planPlugins([one], []).running[0]?.config).toEqual({ host: 'h', port: 7 })
  expect(one.settings).toEqual({ host: 'h' })
  const open = listed('b', { config: Type.Object({}, { additionalProperties: true }) }, { settings: { any: 1 } })
  expect(planPlugins([open], []).running[0]?.config).toEqual({ any: 1 })
})

describe('optional and off', () => {
  const a = listed('a', { provides: [alpha] })
  const b = listed('b', { provides: [beta], requires: [alpha] })
  const c = listed('c', { requires: [beta] })

  test('a faulty optional one goes off with all that requires it, however far', () => {
    const broken = { ...a, optional: true, settings: { x: 1 } }
    expect(idle(broken, b, c, listed('d'))).toEqual([
      'a failed: config: unknown field "x"',
      'b off: it requires plugin "a", which is failed: config: unknown field "x"',
      expect.stringMatching(/^c off: it requires plugin "b", which is off: it requires plugin "a"/),
    ])
    expect(names(broken, b, c, listed('d'))).toEqual(['d'])
  })

  test('an optional one whose requirement is missing is off, others are a fault', () => {
    expect(idle({ ...b, optional: true })).toEqual([
      'b failed: it requires the service alpha@1, which no listed plugin provides.',
    ])
    expect(faultsOf(b)).toHaveLength(1)
  })

  test('off: refused while something needs it, unless it or that is optional', () => {
    const off = { ...a, off: true }
    expect(idle(off)).toEqual(['a off: turned off in the configuration'])
    expect(faultsOf(off, b, c)).toEqual(['a (a.ts): it is off, but plugin "b" requires its service alpha@1'])
    // To be corrected where it was turned off, not where it comes from.
    expect(faultsOf({ ...off, configured: 'openpact.config.json' }, b)).toEqual([
      'a (openpact.config.json): it is off, but plugin "b" requires its service alpha@1',
    ])
    expect(names({ ...off, optional: true }, b, c)).toEqual([])
    expect(names(off, { ...b, optional: true }, c)).toEqual([])
    expect(names({ ...c, off: true }, a, b)).toEqual(['a', 'b'])
  })

  test('where two collide, the optional one loses', () => {
    const types = { entryTypes: [type('note')] }
    expect(names(listed('a', types, { optional: true }), listed('b', types))).toEqual(['b'])
  })

  test('a cycle is broken at an optional plugin', () => {
    const one = listed('a', { provides: [alpha], requires: [beta] })
    const two = listed('b', { provides: [beta], requires: [alpha] }, { optional: true })
    expect(idle(one, two)).toEqual([
      'b failed: it requires itself: a → b → a',
      'a off: it requires plugin "b", which is failed: it requires itself: a → b → a',
    ])
  })

  test('contributions to a point whose plugin is off are no fault', () => {
    const owner = listed('owner', { points: [point] }, { off: true })
    expect(names(owner, listed('a', { contributes: [contribute(point, 'saw')] }))).toEqual(['a'])
  })
})

test('the order of the configuration never matters, to the plan or to the faults', () => {
  const name = (i: number) => `p${i}`
  const one = fc.record({
    needs: fc.array(fc.nat(9), { maxLength: 3 }),
    optional: fc.boolean(),
    off: fc.boolean(),
    bad: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 9 }), fc.infiniteStream(fc.nat()), (specs, luck) => {
      const all = specs.map(({ needs, optional, off, bad }, i) => {
        const requires = [...new Set(needs)].map(n => serviceRef(name(n), 1))
        const plugin = { provides: [serviceRef(name(i), 1)], requires }
        return listed(name(i), plugin, { optional, off, settings: bad ? { x: 1 } : {} })
      })
      const shuffled = all.map(l => ({ l, key: luck.next().value })).sort((x, y) => x.key - y.key)
      const outcome = (list: Listed[]) => {
        try {
          const { running, idle } = planPlugins(list, [])
          return {
            running: running.map(r => r.listed.plugin.name),
            idle: idle.map(i => [i.listed.plugin.name, i.reason]),
          }
        } catch (error) {
          return (error as Error).message
        }
      }
      expect(outcome(shuffled.map(s => s.l))).toEqual(outcome(all))
    }),
    { seed: 9, numRuns: 300 },
  )
})

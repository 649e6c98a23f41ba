import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OpenPactError } from '../errors.ts'
import { Type } from '../json-schema.ts'
import type { Kernel } from '../kernel.ts'
import { contribute, definePlugin, extensionPoint, type Plugin, type PluginEntry, serviceRef } from '../plugin.ts'
import type { RuleContext, RuledEntry } from '../rules.ts'
import { rulesDigest } from './digest.ts'
import { Hooks } from './hooks.ts'
import { PluginHost } from './host.ts'
import { openLog } from './log.ts'

const kernel = { dataDir: '/nowhere' } as Kernel
const clock = serviceRef<{ now(): number }>('clock', 1)
const diary = serviceRef<string[]>('diary', 1)
const page = extensionPoint<{ path: string }>('web.page', p => p.path)

type Line = { level: string; message: string; plugin?: string; reason?: string }

/** A host whose plugins are loaded, with everything it logged. */
async function host(entries: PluginEntry[], limits: { startLimit?: number; closeLimit?: number } = {}) {
  const lines: Line[] = []
  const log = openLog({ level: 'debug', streams: [{ write: line => lines.push(JSON.parse(line)) }] })
  const hooks = new Hooks(log)
  const host = new PluginHost({ hooks, log, ...limits })
  await host.load(entries, { base: '/nowhere' })
  return { host, hooks, lines }
}

function plugin(name: string, more: Partial<Plugin> = {}): Plugin {
  return { name, version: '1.0.0', api: 1, summary: `The ${name}`, ...more }
}

const provider = (more: Partial<Plugin> = {}) =>
  plugin('clock', { provides: [clock], setup: ctx => ctx.provide(clock, { now: () => 1 }), ...more })
const states = (h: PluginHost) => Object.fromEntries(h.status().map(s => [s.name, s.state]))
const never = () => new Promise<void>(() => undefined)

describe('set-up', () => {
  test('runs in order of requirement with checked settings, the kernel and all contributions', async () => {
    const order: string[] = []
    const web = definePlugin({
      name: 'web',
      version: '1.0.0',
      api: 1,
      summary: 'Serves',
      requires: [clock],
      points: [page],
      config: Type.Object({ port: Type.Integer({ default: 80 }) }),
      setup(ctx) {
        order.push('web')
        expect(ctx.kernel).toBe(kernel)
        expect(ctx.config.port satisfies number).toBe(80)
        expect(ctx.use(clock).now()).toBe(1)
        expect(ctx.contributions(page)).toEqual([
          { plugin: 'docs', value: { path: '/docs' } },
          { plugin: 'zoo', value: { path: '/zoo' } },
        ])
      },
    })
    const zoo = plugin('zoo', {
      contributes: [contribute(page, { path: '/zoo' })],
      setup: () => void order.push('zoo'),
    })
    const docs = plugin('docs', {
      contributes: [contribute(page, { path: '/docs' })],
      setup: () => void order.push('docs'),
    })
    const { host: h } = await host([zoo, web as unknown as Plugin, docs, provider()])
    expect(states(h)).toEqual({ clock: 'pending', docs: 'pending', web: 'pending', zoo: 'pending' })
    await h.setup(kernel)
    await h.ready()
    expect(order).toEqual(['docs', 'web', 'zoo'])
    expect(states(h)).toEqual({ clock: 'active', docs: 'active', web: 'active', zoo: 'active' })
    expect(h.use(clock).now()).toBe(1)
    expect(h.contributions(page).map(c => c.value.path)).toEqual(['/docs', '/zoo'])
    await h.close()
    expect(new Set(Object.values(states(h)))).toEqual(new Set(['disposed']))
    expect(() => h.use(clock)).toThrow(expect.objectContaining({ code: 'SERVICE_MISSING' }))
  })

  test('status tells everything without running anything', async () => {
    const rules = { protocol: 3, types: ['note'], validate: () => undefined }
    const note = { name: 'note', v: 1, payload: Type.Object({}), summary: '', words: 'noted {text}' }
    const contributes = [contribute(page, { path: '/notes' })]
    const notes = plugin('notes', { rules, entryTypes: [note], contributes, requires: [clock], setup: never })
    const { host: h } = await host([{ plugin: notes, off: true }, provider(), plugin('web', { points: [page] })])
    expect(h.status().find(s => s.name === 'notes')).toEqual({
      name: 'notes',
      version: '1.0.0',
      summary: 'The notes',
      source: 'given in code',
      state: 'off',
      error: 'turned off in the configuration',
      requires: ['clock@1'],
      provides: [],
      entryTypes: ['note'],
      words: { note: 'noted {text}' },
      contributions: [{ point: 'web.page', id: '/notes' }],
      rules: { protocol: 3, digest: rulesDigest(notes), types: ['note'], defaults: {} },
    })
    expect(h.entryType('note')).toBeNull()
    expect(h.rules.get('notes')).toBeNull()
  })

  test('everything wrong is told before anything runs', async () => {
    const ran: string[] = []
    const fine = plugin('fine', { setup: () => void ran.push('fine') })
    const faulty = host([fine, plugin('a', { requires: [clock] }), { ...plugin('b'), api: 2 as 1 }, './gone.ts'])
    await expect(faulty).rejects.toMatchObject({ code: 'PLUGINS_INVALID' })
    await expect(faulty).rejects.toThrow(/\.\/gone\.ts.*\n- a .*clock@1.*\n- b .*api 2/)
    expect(ran).toEqual([])
  })
})

describe('the context', () => {
  const coded = (code: string) => expect.objectContaining({ code })

  test('only declared services can be used and provided, only known hooks tapped, and none of consensus', async () => {
    const wild = plugin('wild', {
      setup(ctx) {
        expect(() => ctx.use(clock)).toThrow(coded('SERVICE_MISSING'))
        expect(() => ctx.provide(clock, { now: () => 2 })).toThrow('it does not declare clock@1')
        expect(() => ctx.tap('entry.aplied' as 'entry.applied', () => undefined)).toThrow(coded('HOOK_UNKNOWN'))
        expect(() => ctx.tap('entry.validate', () => 'no')).toThrow(coded('HOOK_RESERVED'))
        ctx.tap('kernel.ready', () => {
          expect(() => ctx.tap('entry.applied', () => undefined)).toThrow(coded('HOOKS_FROZEN'))
        })
      },
    })
    const { host: h } = await host([wild, provider()])
    await h.setup(kernel)
    await h.ready()
    await h.close()
  })

  test('rules become taps of their plugin, called for that plugin alone, as long as it runs', async () => {
    const entry = { type: 'note' } as RuledEntry
    const context = {} as RuleContext & { state: never }
    const reduced: string[] = []
    const ruled = (name: string) =>
      plugin(name, {
        entryTypes: [{ name: `${name}.note`, v: 1, payload: Type.Object({}), summary: '' }],
        rules: {
          protocol: 1,
          types: [`${name}.note`],
          validate: () => `no-${name}`,
          reduce: () => void reduced.push(name),
        },
      })
    const { host: h, hooks } = await host([ruled('b'), ruled('a'), plugin('c')])
    await h.setup(kernel)
    expect(h.rules.validate('b', entry, context)).toBe('no-b')
    expect(h.rules.validate('c', entry, context)).toBeUndefined()
    await h.rules.reduce('a', entry, context)
    expect(reduced).toEqual(['a'])
    expect(h.rules.list().map(r => r.plugin)).toEqual(['a', 'b'])
    expect(h.rules.get('a')?.digest).toBe(rulesDigest(ruled('a')))
    expect(h.entryType('b.note')).toMatchObject({ plugin: 'b', v: 1 })
    expect(hooks.used('entry.reduce')).toBe(true)
    await h.close()
    expect(hooks.used('entry.reduce')).toBe(false)
  })

  test('at close everything is undone in reverse, dependents first, and the signal is aborted', async () => {
    const undone: string[] = []
    const user = plugin('user', {
      requires: [clock],
      setup(ctx) {
        ctx.onClose(() => void undone.push(`user 1, clock still ${ctx.use(clock).now()}`))
        ctx.onClose(async () => void undone.push(`user 2, aborted ${ctx.signal.aborted}`))
        ctx.tap('entry.applied', () => undefined)
      },
    })
    const base = provider({
      setup(ctx) {
        ctx.onClose(() => void undone.push('clock'))
        ctx.provide(clock, { now: () => 1 })
      },
    })
    const { host: h, hooks } = await host([user, base])
    await h.setup(kernel)
    expect(hooks.used('entry.applied')).toBe(true)
    await h.close()
    await h.close()
    expect(undone).toEqual(['user 2, aborted true', 'user 1, clock still 1', 'clock'])
    expect(hooks.used('entry.applied')).toBe(false)
  })

  test('what cannot be undone is named in the log, and the rest is undone', async () => {
    const undone: string[] = []
    const bad = plugin('bad', {
      setup(ctx) {
        ctx.onClose(() => void undone.push('bad, first'))
        ctx.onClose(never)
        ctx.onClose(() => Promise.reject(new Error('stuck')))
      },
    })
    const good = plugin('a-good', { setup: ctx => ctx.onClose(() => void undone.push('good')) })
    const { host: h, lines } = await host([bad, good], { closeLimit: 30 })
    await h.setup(kernel)
    await h.close()
    expect(undone).toEqual(['bad, first', 'good'])
    expect(lines.map(l => [l.plugin, l.reason])).toEqual([
      ['bad', 'stuck'],
      ['bad', 'not finished within 30 ms'],
    ])
  })
})

describe('a failing plugin', () => {
  const cause = new TypeError('no such thing')
  const throwing = { setup: () => Promise.reject(cause) }

  test('stops the start: named, with its cause; what was set up is undone by close', async () => {
    const undone: string[] = []
    const first = plugin('a', { setup: ctx => ctx.onClose(() => void undone.push('a')) })
    const ran: string[] = []
    const last = plugin('z', { setup: () => void ran.push('z') })
    const { host: h } = await host([last, first, plugin('m', throwing)])
    await expect(h.setup(kernel)).rejects.toMatchObject({
      code: 'PLUGIN_FAILED',
      details: { plugin: 'm', stage: 'setup', reason: 'no such thing' },
      cause,
    })
    await h.close()
    expect(undone).toEqual(['a'])
    expect(ran).toEqual([])
    expect(states(h)).toEqual({ a: 'disposed', m: 'failed', z: 'disposed' })
  })

  test('a coded error of its own passes as it is', async () => {
    const coded = plugin('m', {
      setup() {
        throw new OpenPactError('DISK_FULL')
      },
    })
    const { host: h } = await host([coded])
    await expect(h.setup(kernel)).rejects.toMatchObject({ code: 'DISK_FULL' })
    await h.close()
  })

  test('one that hangs is named after its limit, and what it registers later is undone at once', async () => {
    let resume: () => void = () => undefined
    let late: Promise<void> = Promise.resolve()
    const undone: string[] = []
    const slow = plugin('slow', {
      startLimit: 30,
      async setup(ctx) {
        late = new Promise<void>(resolve => {
          resume = resolve
        }).then(() => {
          ctx.onClose(() => void undone.push('late'))
          ctx.tap('entry.applied', () => undefined)
        })
        await late
      },
    })
    const { host: h, hooks } = await host([slow])
    const limit = { code: 'PLUGIN_TIMEOUT', details: { plugin: 'slow', stage: 'setup', limit: 30 } }
    await expect(h.setup(kernel)).rejects.toMatchObject(limit)
    await h.close()
    resume()
    await late
    await h.close()
    expect(undone).toEqual(['late'])
    expect(hooks.used('entry.applied')).toBe(false)
  })

  test('optional: it is off with all that requires it, the others run', async () => {
    const undone: string[] = []
    const half = provider({
      setup(ctx) {
        ctx.provide(clock, { now: () => 1 })
        ctx.onClose(() => void undone.push('clock'))
        throw cause
      },
    })
    const web = plugin('web', { points: [page] })
    const user = plugin('user', {
      requires: [clock],
      provides: [diary],
      contributes: [contribute(page, { path: '/user' })],
      setup: () => expect.unreachable(),
    })
    const far = plugin('far', { requires: [diary], setup: () => expect.unreachable() })
    const { host: h, lines } = await host([{ plugin: half, optional: true }, user, far, web])
    await h.setup(kernel)
    await h.ready()
    expect(states(h)).toEqual({ clock: 'failed', far: 'off', user: 'off', web: 'active' })
    expect(h.status().map(s => s.error)).toEqual([
      'The plugin "clock" failed at setup: no such thing',
      'it requires plugin "clock", which is failed: The plugin "clock" failed at setup: no such thing',
      expect.stringMatching(/^it requires plugin "user", which is off: it requires plugin "clock"/),
      null,
    ])
    expect(undone).toEqual(['clock'])
    expect(() => h.use(clock)).toThrow(/No running plugin provides the service clock@1/)
    expect(h.contributions(page)).toEqual([])
    expect(new Set(lines.map(l => l.plugin))).toEqual(new Set(['clock', 'user', 'far']))
    await h.close()
  })

  test('at kernel.ready: optional goes off with its dependents, any other stops the start; both may hang', async () => {
    const hangs = (name: string) =>
      provider({
        name,
        startLimit: 30,
        setup(ctx) {
          ctx.provide(clock, { now: () => 1 })
          ctx.tap('kernel.ready', never)
        },
      })
    const closed: string[] = []
    const user = plugin('user', { requires: [clock], setup: ctx => ctx.onClose(() => void closed.push('user')) })
    const one = await host([{ plugin: hangs('clock'), optional: true }, user])
    await one.host.setup(kernel)
    await one.host.ready()
    expect(states(one.host)).toEqual({ clock: 'failed', user: 'off' })
    expect(closed).toEqual(['user'])
    await one.host.close()

    const two = await host([hangs('clock'), user])
    await two.host.setup(kernel)
    const limit = { code: 'PLUGIN_TIMEOUT', details: { plugin: 'clock', stage: 'kernel.ready', limit: 30 } }
    await expect(two.host.ready()).rejects.toMatchObject(limit)
    await two.host.close()
  })

  test('one that never provides what it declares is named', async () => {
    const { host: h } = await host([provider({ setup: () => undefined })])
    await expect(h.setup(kernel)).rejects.toMatchObject({
      code: 'PLUGIN_FAILED',
      message: 'The plugin "clock" failed at setup: it declares the service clock@1 and does not provide it',
    })
    await h.close()
  })

  test('one that hangs at kernel.closing does not hang the stop', async () => {
    const stuck = plugin('stuck', { setup: ctx => ctx.tap('kernel.closing', never) })
    const { host: h, hooks } = await host([stuck], { closeLimit: 30 })
    await h.setup(kernel)
    await h.ready()
    await expect(hooks.call('kernel.closing')).rejects.toMatchObject({ code: 'PLUGIN_TIMEOUT' })
    await h.close()
  })
})

test('a plugin in TypeScript from a folder outside of the repository runs', async () => {
  const base = await mkdtemp(join(tmpdir(), 'openpact-host-'))
  try {
    await cp(new URL('./fixtures/third-party', import.meta.url), base, { recursive: true })
    const log = openLog()
    const h = new PluginHost({ hooks: new Hooks(log), log })
    await h.load([{ plugin: './greeter.ts', config: { loud: true } }], { base })
    await h.setup(kernel)
    await h.ready()
    expect(h.use(serviceRef<{ greet(name: string): string }>('greeter', 1)).greet('ann')).toBe('HELLO ANN')
    const judge = (to: string) =>
      h.rules.validate('greeter', { type: 'greeting', payload: { to } } as RuledEntry, {} as RuleContext)
    expect([judge('ann'), judge('')]).toEqual([undefined, 'nobody'])
    expect(h.status()).toMatchObject([{ name: 'greeter', source: './greeter.ts', state: 'active' }])
    await h.close()
  } finally {
    await rm(base, { recursive: true })
  }
})

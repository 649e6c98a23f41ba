/** The SDK against a real daemon: calls, failures, retries, lists, events over restarts, plugins of others. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { TestDaemon, temporaryDirectory } from '../test/support/daemon.ts'
import { operationsText } from './generate.ts'
import { connect, isOpenPactError, type OpenPact, OpenPactError, type OperationsOf, type PactEvent } from './index.ts'

// Daemons, a browser and a compiler are started here; a busy machine is given time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

type Polls = OperationsOf<typeof import('../examples/plugins/polls/operations.ts')>

const root = join(import.meta.dirname, '..')
const chromiumPath = '/usr/bin/chromium'
let dataDir: string
let daemon: TestDaemon
let client: OpenPact
beforeAll(async () => {
  dataDir = join(await temporaryDirectory(), 'data')
  await mkdir(dataDir, { mode: 0o700 })
  const plugins = ['examples/plugins/polls/index.ts', 'test/support/page-plugin.ts'].map(file => join(root, file))
  await writeFile(join(dataDir, 'openpact.config.json'), JSON.stringify({ network: false, plugins }))
  daemon = await TestDaemon.start({ dataDir, args: ['--first-pact'] })
  client = await connect({ dataDir })
})
afterAll(async () => {
  await daemon?.dispose()
  await rm(join(dataDir, '..'), { recursive: true, force: true })
})

const record = (topic: string, content: string) => client.call('knowledge.record', { topic, content })

/** The error that a call ends with. */
async function failing(call: Promise<unknown>): Promise<OpenPactError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(OpenPactError)
  return error as OpenPactError
}

describe('calls', () => {
  it('find the daemon and the active pact by themselves, also by OPENPACT_HOME', async () => {
    const task = await client.call('tasks.create', { title: 'Read the SDK', topic: 'sdk' })
    const before = process.env.OPENPACT_HOME
    process.env.OPENPACT_HOME = dataDir
    const again = await connect().finally(() => {
      if (before === undefined) delete process.env.OPENPACT_HOME
      else process.env.OPENPACT_HOME = before
    })
    expect(await again.call('tasks.show', { id: task.id })).toMatchObject({ title: 'Read the SDK', status: 'open' })
    const claimed = await again.pact('first').call('tasks.claim', { id: task.id, until: 'applied' })
    expect(claimed.status).toBe('claimed')
  })

  it('go to the pact in OPENPACT_PACT, unless another one is named', async () => {
    process.env.OPENPACT_PACT = 'elsewhere'
    try {
      const [given, named] = [await connect({ dataDir }), await connect({ dataDir, pact: 'first' })]
      expect((await failing(given.call('tasks.list', {}))).code).toBe('PACT_UNKNOWN')
      await named.call('tasks.list', {})
    } finally {
      delete process.env.OPENPACT_PACT
    }
  })

  it('throw the code of the daemon with what to do next', async () => {
    const error = await failing(client.call('entries.get', { id: '0badcafe-1' }))
    expect(error).toMatchObject({ code: 'ENTRY_UNKNOWN', status: 404 })
    expect(error.help).not.toBe('')
    expect(isOpenPactError(error, 'ENTRY_UNKNOWN')).toBe(true)
    expect(isOpenPactError(error, 'TASK_UNKNOWN')).toBe(false)
  })

  it('name what an unknown pact or operation may have been', async () => {
    const pact = await failing(client.pact('frist').call('tasks.list'))
    expect([pact.code, pact.help]).toEqual(['PACT_UNKNOWN', expect.stringContaining('"first"')])
    const operation = await failing(client.invoke('tasks.lits'))
    expect([operation.code, operation.help]).toEqual(['OPERATION_UNKNOWN', expect.stringContaining('tasks.list')])
  })

  it('reach no other path by what stands in one', async () => {
    for (const id of ['', '.', '..']) {
      expect((await failing(client.call('tasks.show', { id }))).code).toBe('INPUT_INCOMPLETE')
    }
    expect((await failing(client.call('tasks.show', { id: '../status?x=1#' }))).status).toBe(400)
  })

  it('run operations of other plugins, typed or by name', async () => {
    const polls = await connect<Polls>({ dataDir })
    const { id } = await polls.call('polls.ask', { question: 'Tabs?', options: ['yes', 'no'] })
    await client.invoke('polls.vote', { id, option: 'no' })
    expect(await polls.call('polls.result', { id })).toEqual([{ option: 'no', votes: 1 }])
    expect((await failing(polls.call('polls.vote', { id, option: 'no' }))).code).toBe('POLL_VOTED_ALREADY')
  })
})

describe('the way in', () => {
  it('is refused to a wrong token, and follows the token file when it changes', async () => {
    const stranger = await connect({ dataDir, token: 'nonsense' })
    expect((await failing(stranger.call('pacts.list'))).code).toBe('UNAUTHENTICATED')
    await client.call('access.rotate')
    expect((await client.call('pacts.list')).entries).toHaveLength(1)
  })

  it('says how to start a daemon that is down, and where nothing answers', async () => {
    const down = await failing((await connect({ dataDir: join(dataDir, 'nowhere') })).call('pacts.list'))
    expect([down.code, down.help]).toEqual(['DAEMON_DOWN', expect.stringContaining('openpact start')])
    const options = { url: 'http://127.0.0.1:1', token: 'x' }
    expect((await failing((await connect(options)).call('pacts.list'))).code).toBe('DAEMON_UNREACHABLE')
  })
})

describe('waiting', () => {
  it('ends with the signal, by its reason, and with the time limit, by a code', async () => {
    const { cursor } = await client.call('events.changes', { from: 'head' })
    const gone = new AbortController()
    const waiting = client.call('events.changes', { since: cursor, wait: 30 }, { signal: gone.signal })
    gone.abort(new Error('no longer wanted'))
    await expect(waiting).rejects.toThrow('no longer wanted')
    await expect(client.call('pacts.list', {}, { signal: gone.signal })).rejects.toThrow('no longer wanted')
    const late = await failing(client.call('events.changes', { since: cursor, wait: 30 }, { timeout: 50 }))
    expect([late.code, late.message]).toEqual(['CALL_TIMEOUT', expect.stringContaining('50 ms')])
  })
})

describe('an answer that is lost on its way', () => {
  let proxy: Server
  let through: OpenPact
  /** Connections whose answer shall be swallowed. */
  let swallow = 0
  const sockets = new Set<Socket>()
  beforeAll(async () => {
    proxy = createServer(socket => {
      const daemonSocket = dial(Number(new URL(daemon.url).port), '127.0.0.1')
      for (const end of [socket, daemonSocket]) sockets.add(end.on('error', () => {}))
      // The daemon takes no other name than its own.
      socket.on('data', data =>
        daemonSocket.write(data.toString('latin1').replace(/^host: .*$/m, 'host: 127.0.0.1'), 'latin1'),
      )
      daemonSocket.on('data', data => {
        if (swallow-- > 0) for (const end of [socket, daemonSocket]) end.destroy()
        else socket.write(data)
      })
      socket.on('close', () => daemonSocket.destroy())
      daemonSocket.on('close', () => socket.destroy())
    })
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as { port: number }
    through = await connect({ url: `http://127.0.0.1:${port}`, dataDir, pact: 'first' })
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })

  it('is asked for again, and nothing is written twice', async () => {
    swallow = 1
    const written = await through.call('knowledge.record', { topic: 'lost', content: 'Once.' })
    const found = await client.call('knowledge.list', { topic: 'lost' })
    expect(found.entries.map(entry => entry.id)).toEqual([written.id])
    expect(swallow).toBeLessThanOrEqual(0)
  })

  it('is not asked for again where that would do it twice', async () => {
    const before = (await client.call('access.list')).entries.length
    swallow = 1
    expect((await failing(through.call('access.issue'))).code).toBe('DAEMON_UNREACHABLE')
    expect((await client.call('access.list')).entries).toHaveLength(before + 1)
  })
})

describe('lists', () => {
  it('go on over pages, as far as they are read', async () => {
    for (const content of ['a', 'b', 'c', 'd', 'e']) await record('pages', content)
    const found: unknown[] = []
    for await (const entry of client.list('knowledge.list', { topic: 'pages', limit: 2, order: 'asc' })) {
      found.push((entry.payload as { content: string }).content)
    }
    expect(found).toEqual(['a', 'b', 'c', 'd', 'e'])
    for await (const entry of client.list('knowledge.list', { topic: 'pages', limit: 1 })) {
      expect(entry.payload).toMatchObject({ content: 'e' })
      break
    }
  })
})

describe('events', () => {
  const contents = (events: readonly PactEvent[]) =>
    events.map(({ entry }) => (entry?.payload as { content: string } | undefined)?.content)

  it('go on after a kill and a restart of the daemon, without a gap and without anything twice', async () => {
    const { cursor } = await client.call('events.changes', { from: 'head' })
    const stream = client.events({ type: 'knowledge', since: cursor })
    const seen: PactEvent[] = []
    const take = async () => void seen.push((await stream.next()).value as PactEvent)
    await record('stream', '1')
    await take()
    await daemon.kill9()
    const next = take()
    await daemon.start()
    await record('stream', '2')
    await record('stream', '3')
    await next
    await take()
    await stream.return()
    expect(contents(seen)).toEqual(['1', '2', '3'])
    // The cursor of an event is where a later process goes on.
    const later = (await connect({ dataDir, pact: 'first' })).events({ type: 'knowledge', since: seen[1]?.cursor })
    expect(contents([(await later.next()).value as PactEvent])).toEqual(['3'])
    await later.return()
  })

  it('end with their signal, and with what the daemon refuses', async () => {
    const gone = new AbortController()
    const stream = client.events({ signal: gone.signal })
    const next = stream.next()
    gone.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    const refused = await failing(client.events({ since: 'nonsense' }).next())
    expect(refused.code).toBe('EVENT_CURSOR_INVALID')
    const down = (await connect({ dataDir: join(dataDir, 'nowhere') })).events({ since: 'x' })
    expect((await failing(down.next())).code).toBe('DAEMON_DOWN')
  })
})

describe('in a browser', () => {
  interface Page {
    sdk: typeof import('./browser.ts')
    location: { origin: string }
  }

  /** What a page does; it runs in Chromium. */
  async function page({ token, url }: { token: string; url?: string }) {
    const { sdk, location } = globalThis as unknown as Page
    const client = await sdk.connect({ url: url ?? location.origin, token, pact: 'first' })
    const code = (error: unknown) => (sdk.isOpenPactError(error) ? error.code : String(error))
    const events = client.events({
      type: 'knowledge',
      since: (await client.call('events.changes', { from: 'head' })).cursor,
    })
    const { id } = await client.call('knowledge.record', { topic: 'browser', content: 'From a page.' })
    const event = await events.next()
    await events.return()
    const listed: string[] = []
    for await (const entry of client.list('knowledge.list', { topic: 'browser', limit: 1 })) listed.push(entry.id)
    const unknown = await client.call('tasks.show', { id: '0badcafe-1' }).catch(code)
    const alone = await sdk.connect().catch(code)
    const late = await client
      .call('events.changes', { wait: 30, since: event.value?.cursor }, { timeout: 50 })
      .catch(code)
    return { id, event: event.value?.entry?.id, listed, unknown, alone, late }
  }

  // Nothing but Node and git is asked of who runs the tests; CI brings a browser and insists on it.
  const browserHere = existsSync(chromiumPath) || process.env.OPENPACT_BROWSER === 'required'

  it.runIf(browserHere)('works from a page that the daemon serves, and from no other', async () => {
    const flags = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ]
    const args = [...flags, '--disable-component-update', '--disable-sync']
    const browser = await chromium.launch({ executablePath: chromiumPath, args })
    try {
      const open = async (origin: string) => {
        const opened = await browser.newPage()
        await opened.goto(`${origin}/page`)
        await opened.waitForFunction('globalThis.sdk')
        return opened
      }
      const own = await open(daemon.url)
      const found = await own.evaluate(page, { token: daemon.token })
      expect(found).toMatchObject({ event: found.id, listed: [found.id] })
      expect(found).toMatchObject({ unknown: 'TASK_UNKNOWN', alone: 'ADDRESS_NEEDED', late: 'CALL_TIMEOUT' })

      // Another name for the same address is another origin: the daemon lets it in, the browser does not show the answer.
      const other = await open(daemon.url.replace('127.0.0.1', 'localhost'))
      const call = other.evaluate(page, { token: daemon.token, url: daemon.url })
      await expect(call).rejects.toThrow('does not answer')
    } finally {
      await browser.close()
    }
  })
})

describe('the package', () => {
  it('is built of nothing but itself, and typed without the daemon and without Node', async () => {
    const folder = await temporaryDirectory()
    try {
      const tsc = (...args: string[]) =>
        promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args])
      await tsc('-p', import.meta.dirname, '--outDir', join(folder, 'dist'))
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
      await writeFile(
        join(folder, 'use.ts'),
        `import { connect, isOpenPactError, type Operations } from './dist/index.js'
        const client = await connect({ pact: 'first' })
        const task: Operations['tasks.claim']['output'] = await client.call('tasks.claim', { id: '' })
        for await (const event of client.events({ type: 'task.ready' })) void [event.cursor, task, isOpenPactError(event)]`,
      )
      const strict = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--types', '']
      await tsc('--ignoreConfig', ...strict, '--lib', 'es2023,dom', join(folder, 'use.ts'))
      const { connect: published } = (await import(join(folder, 'dist', 'index.js'))) as typeof import('./index.ts')
      expect((await (await published({ dataDir })).call('pacts.list')).entries).toHaveLength(1)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

it('the types and routes that are published are those of the declarations', async () => {
  const published = await readFile(join(import.meta.dirname, 'operations.ts'), 'utf8')
  expect(published === operationsText(), 'sdk/operations.ts is old: run `npm run generate -w sdk`').toBe(true)
})

/** A client of the event stream stays level with a daemon that is killed and started again: no gap, no repeat. */
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { TestDaemon } from '../support/daemon.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const offline = new URL('../support/offline.config.json', import.meta.url).pathname
const knowledge = '/v1/pacts/first/knowledge'
// Below the ports that systems give out by themselves: a client that tries a closed one of those can end up connected to itself.
const port = 20_000 + (process.pid % 10_000)

let daemon: TestDaemon
beforeAll(async () => {
  // Always the same port, so that the client finds it again.
  daemon = await TestDaemon.start({ port, args: ['--first-pact', '--config', offline] })
})
afterAll(() => daemon.dispose())

it('resumes by itself across a kill and a restart, without a gap and without a repeat', async () => {
  const seen: string[] = []
  let arrived = () => {}
  const source = new EventSource(`${daemon.url}/v1/events?type=knowledge&topic=stream%2F**`, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${daemon.token}` } }),
  })
  source.addEventListener('entry-applied', ({ data }) => {
    seen.push((JSON.parse(data) as { entry: { payload: { source: string } } }).entry.payload.source)
    arrived()
  })
  await new Promise(resolve => source.addEventListener('open', resolve, { once: true }))
  let written = 0
  const write = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const body = { topic: `stream/${written % 3}/x`, content: 'x', source: String(written++) }
      expect((await daemon.post(knowledge, body)).status).toBe(201)
      await daemon.post(knowledge, { topic: 'other', content: 'x' })
    }
  }
  const level = () =>
    new Promise<void>(resolve => {
      arrived = () => seen.length >= written && resolve()
      arrived()
    })
  try {
    await write(20)
    await level()
    await write(20)
    await daemon.kill9()
    await daemon.start()
    await write(20)
    await level()
    await write(5)
    await daemon.restart()
    await write(5)
    await level()
    expect(seen).toEqual(Array.from({ length: 70 }, (_, i) => String(i)))
  } finally {
    source.close()
  }
})

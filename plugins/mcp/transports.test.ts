/** The official client on a real daemon, over HTTP and over both programs that speak stdio. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, TestDaemon } from '../../test/support/daemon.ts'
import { type Connected, overHttp, overStdio } from '../../test/support/mcp.ts'

let daemon: TestDaemon
let empty: string
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'openpact-empty-'))
  daemon = await TestDaemon.start({
    args: ['--config', join(import.meta.dirname, '../../test/support/offline.config.json')],
  })
  for (const alias of ['acme', 'other']) await daemon.post('/v1/pacts', { name: alias, alias })
})
afterAll(async () => {
  await daemon.dispose()
  await rm(empty, { recursive: true, force: true })
})

const stdio = (program: 'cli' | 'mcp', ...rest: string[]) =>
  overStdio([...(program === 'cli' ? ['mcp'] : []), '--data-dir', daemon.dataDir, ...rest], program)

const ways: [string, () => Promise<Connected>][] = [
  ['HTTP', () => overHttp(daemon.url, daemon.token)],
  ['openpact mcp', () => stdio('cli')],
  ['@openpact/mcp', () => stdio('mcp')],
]

describe.each(ways)('over %s', (_way, open) => {
  it('discovers, lists, calls, reads, follows', async () => {
    const { client, tool, close } = await open()
    expect(client.getServerVersion()).toMatchObject({ name: 'openpact' })
    expect(client.getInstructions()).toContain('pact (alias or id')
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['claim_task', 'record_knowledge', 'find_operation']),
    )

    const made = await tool('create_task', { title: 'Do it', topic: 'ci/build' })
    expect(made.evidence).toContain('From the pact "acme"')
    const id = made.result.id as string
    const task = `openpact://acme/tasks/${id}`
    const { resources } = await client.listResources()
    const later = (await client.listResources({ cursor: '1:' })).resources
    expect([...resources, ...later].map(({ uri }) => uri)).toContain(task)
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toContain('openpact://{pact}/topics/{topic}')
    const topic = 'openpact://acme/topics/ci%2Fbuild'
    const { contents } = await client.readResource({ uri: topic })
    expect(JSON.parse((contents[0] as { text: string }).text).result.entries[0]).toMatchObject({
      id,
      topic: 'ci/build',
    })

    const updated: string[] = []
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri))
    await client.subscribeResource({ uri: task })
    await client.subscribeResource({ uri: topic })
    expect((await tool('claim_task', { id })).result).toMatchObject({ status: 'claimed' })
    await eventually('the claim is told', async () => updated.includes(task))
    await tool('record_knowledge', { topic: 'ci/build', content: 'It is green.' })
    await eventually('the new entry is told', async () => updated.includes(topic))
    await client.unsubscribeResource({ uri: task })

    const { messages } = await client.getPrompt({ name: 'catch_me_up' })
    expect(messages.map(({ content }) => (content.type === 'text' ? content.text : ''))[1]).toContain('It is green.')
    await close()
  })

  it('loses nothing of what several write at once', async () => {
    const clients = await Promise.all([open(), open()])
    const written = await Promise.all(
      clients.flatMap(({ tool }, at) =>
        Array.from({ length: 20 }, (_, n) =>
          tool('record_knowledge', { topic: `many ${_way}`, content: `${at}-${n}` }),
        ),
      ),
    )
    const ids = written.map(({ result }) => result.id as string)
    const { body } = await daemon.get<{ entries: { id: string }[] }>(
      `/v1/pacts/acme/knowledge?topic=${encodeURIComponent(`many ${_way}`)}`,
    )
    expect(body.entries.map(({ id }) => id).sort()).toEqual([...new Set(ids)].sort())
    expect(ids).toHaveLength(40)
    await Promise.all(clients.map(({ close }) => close()))
  })
})

describe('which pact', () => {
  it('is the active one, the one of the session, or the one that is named', async () => {
    const client = await stdio('cli', '--pact', 'other')
    expect((await client.tool('list_tasks')).evidence).toContain('"other"')
    expect((await client.tool('list_tasks', { pact: 'acme' })).evidence).toContain('"acme"')
    expect(await client.tool('list_tasks', { pact: 'acne' })).toMatchObject({
      isError: true,
      error: 'PACT_UNKNOWN',
      help: expect.stringContaining('acme'),
    })
    await client.close()
    for (const program of ['cli', 'mcp'] as const) {
      const args = [...(program === 'cli' ? ['mcp'] : []), '--data-dir', daemon.dataDir]
      const started = await overStdio(args, program, { OPENPACT_PACT: 'other' })
      expect((await started.tool('list_tasks')).evidence).toContain('"other"')
      await started.close()
    }
  })
})

describe('who may not', () => {
  const post = (headers: Record<string, string>) => daemon.post('/mcp', {}, headers)

  it('a page of another origin, another host name, a wrong token', async () => {
    expect((await post({ origin: 'https://evil.example' })).body).toMatchObject({
      status: 403,
      error: 'ORIGIN_REFUSED',
    })
    expect((await post({ host: 'evil.example' })).body).toMatchObject({ status: 403, error: 'HOST_REFUSED' })
    expect((await post({ authorization: 'Bearer nonsense' })).body).toMatchObject({
      status: 401,
      error: 'UNAUTHENTICATED',
    })
    await expect(overHttp(daemon.url, 'nonsense')).rejects.toThrow('UNAUTHENTICATED')
    for (const program of ['cli', 'mcp'] as const) {
      const args = [...(program === 'cli' ? ['mcp'] : []), '--data-dir', daemon.dataDir]
      await expect(overStdio(args, program, { OPENPACT_TOKEN: 'nonsense' })).rejects.toThrow('This needs a valid token')
    }
  })

  it('nobody, while no daemon runs: it is said how to start it', async () => {
    for (const program of ['cli', 'mcp'] as const) {
      const args = [...(program === 'cli' ? ['mcp'] : []), '--data-dir', empty]
      await expect(overStdio(args, program)).rejects.toThrow('Start it with `openpact start`')
    }
  })
})

describe('a daemon that was restarted', () => {
  it('is found again by a session over stdio, which goes on following', async () => {
    const { client, tool, close } = await stdio('cli')
    const uri = 'openpact://acme/topics/after'
    const updated: string[] = []
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri))
    await client.subscribeResource({ uri })
    await daemon.stop()
    expect(await tool('list_tasks')).toMatchObject({
      isError: true,
      error: 'DAEMON_DOWN',
      help: 'Start it with `openpact start`.',
    })
    await daemon.start()
    expect((await tool('record_knowledge', { topic: 'after', content: 'the break' })).isError).toBe(false)
    await eventually('told after the restart', async () => updated.includes(uri))
    await close()
  })
})

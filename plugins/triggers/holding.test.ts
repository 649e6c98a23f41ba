import { EventEmitter, once } from 'node:events'
import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { agentData, doorTopic } from '../../kernel/index.ts'
import { eventually } from '../../test/support/network.ts'
import { base, on, triggerDesk } from '../../test/support/trigger-desk.ts'
import { inState, runsOf, setTriggers } from '../../test/support/trigger-programs.ts'
import { operations } from '../operations/service.ts'
import { triggers } from './service.ts'

const desk = triggerDesk()
const { post, record, approve, found, settled } = desk

test('no operation writes triggers.yaml, nor makes, changes or removes a trigger', async () => {
  desk.programs.script('works', 'exit 0')
  await setTriggers(desk.local.kernel, [on('kept', 'works', { approve: 'first' })])
  const file = join(desk.local.kernel.dataDir, 'triggers.yaml')
  const kept = () => [readFileSync(file, 'utf8'), statSync(file).mtimeMs, statSync(file).ino]
  const before = kept()
  await approve('kept', { roles: ['member'] })
  const entry = await record('go', 'kept')
  await inState(desk.local.kernel, 'kept', 'succeeded')
  const calls: Record<string, [method: string, path: string, body?: object]> = {
    'triggers.approve': ['POST', '/v1/triggers/kept/approve', {}],
    'triggers.history': ['GET', '/v1/triggers/history'],
    'triggers.list': ['GET', '/v1/triggers'],
    'triggers.logs': ['GET', '/v1/triggers/kept/logs'],
    'triggers.pause': ['POST', '/v1/triggers/pause', { id: 'kept' }],
    'triggers.resume': ['POST', '/v1/triggers/resume', { id: 'kept' }],
    'triggers.run': ['POST', `${base}/entries/${entry}/triggers/kept/run`, {}],
    'triggers.test': ['GET', `${base}/entries/${entry}/triggers`],
  }
  const all = desk.local.kernel.use(operations).list()
  expect(all.flatMap(({ name }) => (name.startsWith('triggers.') ? name : [])).sort()).toEqual(Object.keys(calls))
  for (const [method, path, body] of Object.values(calls))
    expect((await desk.local.send({ method, path, body })).status, path).toBe(200)
  expect(kept()).toEqual(before)
})

describe('what holds a trigger back', () => {
  test('runs that always fail open the breaker, and status says so until it is resumed', async () => {
    desk.programs.script('fails', 'exit 3')
    await setTriggers(desk.local.kernel, [on('fails', 'fails', { limits: { rate: '100/m' } })])
    for (let i = 0; i < 7; i++) await record(`try ${i}`, 'fails')
    await inState(desk.local.kernel, 'fails', 'failed', 5)
    await eventually(() => runsOf(desk.local.kernel, 'fails').length === 7)
    expect(runsOf(desk.local.kernel, 'fails').map(({ state }) => state)).toEqual([
      ...Array(5).fill('failed'),
      'pending',
      'pending',
    ])
    expect(await found()).toContainEqual({
      level: 'fault',
      about: 'Trigger fails',
      words: expect.stringMatching(/^5 runs in a row failed; tries again at .*; 2 matches wait$/),
    })
    desk.programs.script('fails', 'exit 0')
    expect((await post('/v1/triggers/resume', { id: 'fails' })).status).toBe(200)
    await inState(desk.local.kernel, 'fails', 'succeeded', 2)
    expect(await found()).toEqual([])
  })

  test('pause, concurrency, rate and daily caps keep matches waiting; nothing is lost', async () => {
    desk.programs.script(
      'counts',
      `echo $OPENPACT_TRIGGER >> $OUT/counted; [ $(ls $OUT | grep -c ^slot) -lt 2 ] || touch $OUT/crowded; touch $OUT/slot$$; sleep 0.1; rm $OUT/slot$$`,
    )
    const env = { set: { OUT: desk.programs.dir } }
    const rows = [
      on('both', 'counts', { env, limits: { concurrency: 2 } }),
      on('hourly', 'counts', { env, limits: { rate: '2/h' } }),
      on('daily', 'counts', { env, limits: { daily: 1 } }),
    ]
    await setTriggers(desk.local.kernel, rows)
    await post('/v1/triggers/pause', { all: true })
    for (const topic of ['both', 'both', 'both', 'both', 'hourly', 'hourly', 'hourly', 'daily', 'daily'])
      await record('go', topic)
    await eventually(() => runsOf(desk.local.kernel, 'daily').length === 2)
    expect(desk.programs.lines('counted')).toEqual([])
    expect((await found()).map(({ about, words }) => [about, words.split(';')[0]])).toContainEqual([
      'Triggers',
      'all are paused',
    ])
    await post('/v1/triggers/pause', { id: 'both' })
    await post('/v1/triggers/resume', { all: true })
    await inState(desk.local.kernel, 'hourly', 'succeeded', 2)
    await inState(desk.local.kernel, 'daily', 'succeeded', 1)
    expect(desk.programs.lines('counted').sort()).toEqual(['daily', 'hourly', 'hourly'])
    const { json } = await desk.local.send({ path: '/v1/triggers' })
    const states = (json.entries as { id: string; state: string; waiting: number }[]).map(({ id, state, waiting }) => [
      id,
      state,
      waiting,
    ])
    expect(states).toEqual([
      ['both', 'paused', 4],
      ['hourly', 'limited', 1],
      ['daily', 'limited', 1],
    ])
    await post('/v1/triggers/resume', { id: 'both' })
    await inState(desk.local.kernel, 'both', 'succeeded', 4)
    expect(existsSync(desk.programs.path('crowded'))).toBe(false)
  })

  test('trust: what came from elsewhere is stopped, counted and shown, unless it is named', async () => {
    desk.programs.script('fires', 'exit 0')
    await setTriggers(desk.local.kernel, [
      on('fed', 'fires'),
      on('named', 'fires', { trust: { origins: ['bridge:x'] } }),
    ])
    const draft = (topic: string, origin: string) => ({
      type: 'knowledge',
      topic,
      origin,
      payload: { content: 'from afar' },
    })
    await desk.local.kernel.pact.append([
      draft('fed', 'bridge:x'),
      draft('named', 'bridge:x'),
      draft('named', 'bridge:y'),
    ])
    await inState(desk.local.kernel, 'named', 'succeeded')
    expect(runsOf(desk.local.kernel, 'fed')).toEqual([])
    const { json } = await desk.local.send({ path: '/v1/triggers' })
    expect(json.entries).toMatchObject([
      { stopped: 1, last_stopped: { reason: 'it came from another pact, and its origin is not named in trust' } },
      { stopped: 1 },
    ])
    expect(await found()).toContainEqual(
      expect.objectContaining({ about: 'Trigger fed', words: expect.stringContaining('1 match was stopped,') }),
    )
  })

  test('trust: a match waits until the ledger says whose agent wrote its entry, however late that is', async () => {
    desk.programs.script('fires', 'exit 0')
    await setTriggers(desk.local.kernel, [on('newcomer', 'fires')])
    const { identity, pact } = desk.local.kernel
    const { key } = await identity.createAgent('newcomer')
    const proof = identity.attestAgent('newcomer', agentData(doorTopic(pact.key), key)).toString('hex')
    const answer = pact.agentByKey.bind(pact)
    const late = new EventEmitter()
    const asked = vi.spyOn(pact, 'agentByKey').mockImplementation(async which => {
      await once(late, 'answer')
      return answer(which)
    })
    await pact.append([{ type: 'agent.add', payload: { key: key.toString('hex'), name: 'newcomer', proof } }])
    await pact.append([{ type: 'knowledge', topic: 'newcomer', payload: { content: 'hi' } }], { agent: 'newcomer' })
    await settled()
    const { stopped } = desk.local.kernel.use(triggers).known.get('newcomer')
    expect([runsOf(desk.local.kernel, 'newcomer'), stopped]).toEqual([[], 0])
    asked.mockRestore()
    late.emit('answer')
    await inState(desk.local.kernel, 'newcomer', 'succeeded')
  })

  test('approval: shows what is in force or asked for, and what that takes away', async () => {
    desk.programs.script('works', 'exit 0')
    await setTriggers(desk.local.kernel, [on('widened', 'works', { approve: 'first', env: { set: { A: 'b\nc' } } })])
    const ask = async (body: object) => (await post('/v1/triggers/widened/approve', body)).json
    const role = (name: string) => expect.stringContaining(`role ${name} in`)
    const me = expect.stringContaining('you:')
    const { hash } = await approve('widened', { roles: ['member'] })
    const shown = await ask({})
    expect(shown).toMatchObject({
      approved: true,
      fires_for: [me, role('member')],
      no_longer_for: [],
      roles: ['member'],
    })
    expect(shown).toMatchObject({ env_set: ['A="b\\nc"'], next: expect.stringMatching(/ --roles member$/) })
    // Nothing that is only shown is in force.
    const other = { approved: false, fires_for: [me, role('admin')], no_longer_for: [role('member')] }
    expect(await ask({ roles: ['admin'] })).toMatchObject(other)
    expect(await ask({ roles: [] })).toMatchObject({
      approved: false,
      fires_for: [me],
      no_longer_for: [role('member')],
    })
    expect(await ask({ hash })).toMatchObject({ approved: true, fires_for: [me, role('member')] })
    expect(await ask({ hash, roles: ['admin'] })).toMatchObject({ ...other, approved: true })
    expect(await ask({})).toMatchObject({ fires_for: [me, role('admin')], no_longer_for: [] })
    // A trigger that changed has no approval to go on from.
    await setTriggers(desk.local.kernel, [on('widened', 'works again', { approve: 'first' })])
    expect(await ask({})).toMatchObject({ approved: false, fires_for: [me], no_longer_for: [role('admin')] })
  })

  test('a program that was swapped or can be is not started, until it is approved or mended', async () => {
    const [one, two] = ['one', 'two'].map(name => desk.programs.script(name, `echo ${name} >> $OUT/swapped`)) as [
      string,
      string,
    ]
    const link = desk.programs.path('bin/swapped')
    const point = (to: string) => {
      rmSync(link, { force: true })
      symlinkSync(to, link)
    }
    point(one)
    await setTriggers(desk.local.kernel, [
      on('swap', 'swapped', { approve: 'first', env: { set: { OUT: desk.programs.dir } } }),
    ])
    await approve('swap')
    point(two)
    await record('swapped', 'swap')
    await eventually(() => runsOf(desk.local.kernel, 'swap').length === 1)
    await settled()
    expect(runsOf(desk.local.kernel, 'swap')).toMatchObject([{ state: 'pending', started: null }])
    const words = expect.stringContaining(`leads to ${two} now, and led to ${one}`)
    await eventually(async () => (await found()).some(({ level }) => level === 'fault'))
    expect(await found()).toContainEqual({ level: 'fault', about: 'Trigger swap', words })
    const { json } = await post('/v1/triggers/swap/approve', {})
    expect(json).toMatchObject({ approved: false, executable: two })
    await approve('swap')
    await inState(desk.local.kernel, 'swap', 'succeeded')

    chmodSync(two, 0o777)
    await record('writable', 'swap')
    await eventually(() => runsOf(desk.local.kernel, 'swap').length === 2)
    expect(runsOf(desk.local.kernel, 'swap')[1]).toMatchObject({ state: 'pending', started: null })
    expect((await found())[0]?.words).toContain(`${two} can be written by others`)
    chmodSync(two, 0o755)
    expect((await post('/v1/triggers/resume', { id: 'swap' })).status).toBe(200)
    await inState(desk.local.kernel, 'swap', 'succeeded', 2)
    expect(desk.programs.lines('swapped')).toEqual(['two', 'two'])
  })

  test('a program that was swapped is started without an approval of its hash by no reading of the file, with approve: never too', async () => {
    const [one, two] = ['kept', 'put'].map(name => desk.programs.script(name, `echo ${name} >> $OUT/never`)) as [
      string,
      string,
    ]
    const link = desk.programs.path('bin/never')
    symlinkSync(one, link)
    const trigger = on('never', 'never', { env: { set: { OUT: desk.programs.dir } } })
    await setTriggers(desk.local.kernel, [trigger])
    await record('one', 'never')
    await inState(desk.local.kernel, 'never', 'succeeded')
    rmSync(link)
    symlinkSync(two, link)
    await setTriggers(desk.local.kernel, [trigger, on('other', 'kept')])
    await record('two', 'never')
    await eventually(() => runsOf(desk.local.kernel, 'never').length === 2)
    for (const path of ['/v1/triggers/resume', '/v1/triggers/other/approve'])
      expect((await post(path, path.endsWith('resume') ? { id: 'never' } : {})).status).toBe(200)
    const { json: shown } = await post('/v1/triggers/never/approve', {})
    expect(shown).toMatchObject({ approved: false, executable: two, waiting: [{}] })
    await settled()
    expect(runsOf(desk.local.kernel, 'never')[1]).toMatchObject({ state: 'pending', started: null })
    expect(await found()).toContainEqual(
      expect.objectContaining({ words: expect.stringContaining(`leads to ${two} now`) }),
    )
    await approve('never')
    await inState(desk.local.kernel, 'never', 'succeeded', 2)
    expect(desk.programs.lines('never')).toEqual(['kept', 'put'])
  })

  test('approval: of one version alone, or of each match', async () => {
    desk.programs.script('works', 'exit 0')
    const trigger = on('asked', 'works one', { approve: 'first' })
    await setTriggers(desk.local.kernel, [trigger, on('each', 'works', { approve: 'always' })])
    const { hash } = await approve('asked')
    await record('first', 'asked')
    await inState(desk.local.kernel, 'asked', 'succeeded', 1)
    await setTriggers(desk.local.kernel, [{ ...trigger, run: 'works two' }, on('each', 'works', { approve: 'always' })])
    await record('second', 'asked')
    await settled()
    expect(runsOf(desk.local.kernel, 'asked').map(({ state }) => state)).toEqual(['succeeded', 'pending'])
    expect((await post('/v1/triggers/asked/approve', { hash })).json.error).toBe('TRIGGER_CHANGED')
    expect(await found()).toContainEqual(
      expect.objectContaining({ words: expect.stringContaining('changed since it was approved') }),
    )
    await approve('asked')
    await inState(desk.local.kernel, 'asked', 'succeeded', 2)

    await approve('each')
    await record('one', 'each')
    await eventually(() => runsOf(desk.local.kernel, 'each').length === 1)
    expect(runsOf(desk.local.kernel, 'each')).toMatchObject([{ state: 'pending', started: null }])
    const shown = await post('/v1/triggers/each/approve', {})
    expect(shown.json.waiting).toMatchObject([
      { entry: runsOf(desk.local.kernel, 'each')[0]?.entry, author: desk.local.kernel.identity.defaultAgent.handle },
    ])
    await record('not shown', 'each')
    await eventually(() => runsOf(desk.local.kernel, 'each').length === 2)
    expect((await post('/v1/triggers/each/approve', { hash: shown.json.hash })).json.error).toBe('TRIGGER_CHANGED')
    expect(runsOf(desk.local.kernel, 'each').map(({ state }) => state)).toEqual(['pending', 'pending'])
    await approve('each')
    await inState(desk.local.kernel, 'each', 'succeeded', 2)
    await record('two', 'each')
    await eventually(() => runsOf(desk.local.kernel, 'each').length === 3)
    expect(runsOf(desk.local.kernel, 'each').map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'pending'])
  })
})

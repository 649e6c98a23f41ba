/** A daemon without a network and a folder of programs, for tests of triggers; made before and removed after the tests of a file. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import events from '../../plugins/events/index.ts'
import healthPlugin from '../../plugins/health/index.ts'
import { health } from '../../plugins/health/service.ts'
import knowledge from '../../plugins/knowledge/index.ts'
import tasks from '../../plugins/tasks/index.ts'
import triggersPlugin from '../../plugins/triggers/index.ts'
import { triggers } from '../../plugins/triggers/service.ts'
import { type Local, openLocal } from './local-door.ts'
import { Programs, setTriggers } from './trigger-programs.ts'

const plugins = [events, knowledge, tasks, healthPlugin, { plugin: triggersPlugin, config: { grace_ms: 300 } }]
export const base = '/v1/pacts/test'

/** A trigger on entries of a topic that needs no approval. */
export const on = (topic: string, run: string | string[], more: object = {}) => ({
  id: topic,
  match: { type: 'knowledge', topic },
  run,
  approve: 'never',
  ...more,
})

class Desk {
  local!: Local
  programs!: Programs

  readonly post = (path: string, body: object) => this.local.send({ method: 'POST', path, body })
  readonly task = (title: string, topic = 'pr-review') => this.#made(`${base}/tasks`, { title, topic })
  readonly record = (content: string, topic: string) => this.#made(`${base}/knowledge`, { content, topic })
  readonly settled = () => this.local.kernel.use(triggers).settled()
  readonly found = async () =>
    (await this.local.kernel.use(health).machine()).filter(({ about }) => about.startsWith('Trigger'))
  readonly approve = async (id: string, more: object = {}) => {
    const { json } = await this.post(`/v1/triggers/${id}/approve`, {})
    const answer = await this.post(`/v1/triggers/${id}/approve`, { hash: json.hash, ...more })
    expect(answer.status).toBe(200)
    return answer.json
  }

  async #made(path: string, body: object): Promise<string> {
    return (await this.post(path, body)).json.id as string
  }
}

export function triggerDesk(): Desk {
  const desk = new Desk()
  beforeAll(async () => {
    desk.programs = new Programs()
    desk.local = await openLocal(plugins)
  })
  afterAll(async () => {
    await desk.local?.dispose()
    desk.programs?.dispose()
  })
  afterEach(() => setTriggers(desk.local.kernel, []))
  return desk
}

/** What there is to say about triggers. */
import type { Kernel } from '../../kernel/index.ts'
import { inFull } from '../operations/coded.ts'
import { type Finding, health } from '../operations/health.ts'
import { DAY, type Trigger } from './definition.ts'
import { triggers } from './service.ts'
import type { Triggers } from './triggers.ts'

export const triggerHealth = health({
  name: 'triggers',
  findings(kernel: Kernel): Finding[] {
    const all = kernel.use(triggers)
    const error = all.fileError
    const file: Finding[] = error ? [{ level: 'fault', about: 'Triggers', words: inFull(error) }] : []
    const set = all.list()
    if (all.known.allPaused && set.length > 0)
      file.push({
        level: 'advice',
        about: 'Triggers',
        words: 'all are paused; `openpact triggers resume --all` lets them go on',
      })
    return [...file, ...set.flatMap(trigger => findingsOf(trigger, all))]
  },
  metrics: kernel => {
    const all = kernel.use(triggers)
    const set = all.list()
    const sum = (of: (id: string) => number) => set.reduce((total, { id }) => total + of(id), 0)
    return [
      {
        name: 'triggers_waiting',
        help: 'Matches of triggers that wait to be started',
        value: sum(id => all.runs.waiting(id)),
      },
      {
        name: 'triggers_running',
        help: 'Programs that triggers have started and that run',
        value: sum(id => all.runs.running(id)),
      },
    ]
  },
})

function findingsOf(trigger: Trigger, all: Triggers): Finding[] {
  const about = `Trigger ${trigger.id}`
  const gate = all.gate(trigger)
  const waiting = all.runs.waiting(trigger.id)
  const { stopped, last_stopped } = all.known.get(trigger.id)
  const found: Finding[] = []
  if (gate && !(all.known.allPaused && gate.state === 'paused')) {
    const level = gate.state === 'broken' || gate.state === 'failing' ? 'fault' : 'advice'
    found.push({ level, about, words: waiting > 0 ? `${gate.reason}; ${waitingWords(waiting)}` : gate.reason })
  }
  if (!gate && trigger.approve === 'always' && waiting > 0)
    found.push({
      level: 'advice',
      about,
      words: `${waitingWords(waiting)} for \`openpact triggers approve ${trigger.id}\``,
    })
  if (last_stopped)
    found.push({
      level: last_stopped.at > Date.now() - DAY ? 'advice' : 'ok',
      about,
      words: `${stopped === 1 ? '1 match was stopped,' : `${stopped} matches were stopped, the last one`} because ${last_stopped.reason}`,
    })
  return found
}

function waitingWords(waiting: number): string {
  return waiting === 1 ? '1 match waits' : `${waiting} matches wait`
}

import { defineRules, isRecord } from 'openpact/rules'

interface Poll {
  options: string[]
  /** Agents that have voted, hex. */
  voted: string[]
}

export const rules = defineRules({
  protocol: 1,
  types: ['poll', 'poll.vote'],
  async validate(entry, { state }) {
    const { payload } = entry
    if (!isRecord(payload)) return 'poll-invalid'
    if (entry.type === 'poll') return Array.isArray(payload.options) ? undefined : 'poll-invalid'
    const poll = await state.get<Poll>(`poll/${String(payload.poll)}`)
    if (!poll) return 'poll-unknown'
    if (!poll.options.includes(String(payload.option))) return 'poll-option-unknown'
    return poll.voted.includes(entry.agent) ? 'poll-voted-already' : undefined
  },
  async reduce(entry, { state }) {
    const payload = entry.payload as { options: string[]; poll: string }
    if (entry.type === 'poll') return state.put(`poll/${entry.id}`, { options: payload.options, voted: [] })
    const poll = await state.get<Poll>(`poll/${payload.poll}`)
    if (poll) await state.put(`poll/${payload.poll}`, { ...poll, voted: [...poll.voted, entry.agent] })
  },
})

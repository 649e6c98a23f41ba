import { Type } from 'openpact'
import { operation } from 'openpact/plugins/operations'
import { readModel } from 'openpact/plugins/read-model'

const Id = Type.Object({ id: Type.String() })

export const ask = operation({
  name: 'polls.ask',
  summary: 'Put a question to all agents',
  http: 'POST /polls',
  access: 'write',
  created: true,
  input: Type.Object({
    question: Type.String({ minLength: 1, maxLength: 500 }),
    options: Type.Array(Type.String({ minLength: 1, maxLength: 80 }), { minItems: 2, maxItems: 20 }),
  }),
  output: Id,
  cli: { path: 'poll ask', args: ['question', 'options'] },
  async run(input, call) {
    const { id } = await call.append({ type: 'poll', payload: input })
    return { id }
  },
})

export const vote = operation({
  name: 'polls.vote',
  summary: 'Vote for one option of a poll; each agent has one vote',
  http: 'POST /polls/:id/votes',
  access: 'write',
  created: true,
  input: Type.Object({ id: Type.String(), option: Type.String() }),
  output: Id,
  errors: ['POLL_UNKNOWN', 'POLL_OPTION_UNKNOWN', 'POLL_VOTED_ALREADY'],
  cli: { path: 'poll vote', args: ['id', 'option'] },
  async run({ id: poll, option }, call) {
    const { id } = await call.append({ type: 'poll.vote', payload: { poll, option } })
    return { id }
  },
})

export const result = operation({
  name: 'polls.result',
  summary: 'Count the votes of a poll',
  http: 'GET /polls/:id',
  access: 'read',
  input: Id,
  output: Type.Array(Type.Object({ option: Type.String(), votes: Type.Integer() })),
  cli: { path: 'poll result', args: ['id'], columns: ['option', 'votes'] },
  run({ id }, call) {
    const model = call.use(readModel)
    const rows = model
      .prepare('SELECT option, votes FROM polls_votes WHERE pact = ? AND poll = ?')
      .all(model.pactNo(call.pact), id)
    return rows.map(row => ({ option: String(row.option), votes: Number(row.votes) }))
  },
})

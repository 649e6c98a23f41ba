import { defineErrors, definePlugin, Type } from 'openpact'
import { readModel } from 'openpact/plugins/read-model'
import { ask, result, vote } from './operations.ts'
import { rules } from './rules.ts'
import { votes } from './table.ts'

defineErrors({
  POLL_UNKNOWN: { kind: 'missing', message: 'There is no such poll.', help: 'Check the id.' },
  POLL_OPTION_UNKNOWN: {
    kind: 'invalid',
    message: 'The poll has no such option.',
    help: 'Vote for one of its options.',
  },
  POLL_VOTED_ALREADY: { kind: 'conflict', message: 'This agent has voted.', help: 'A vote is final.' },
})

export default definePlugin({
  name: 'polls',
  version: '1.0.0',
  api: 1,
  summary: 'Questions to all agents, one vote each',
  requires: [readModel],
  entryTypes: [
    {
      name: 'poll',
      v: 1,
      summary: 'A question with options',
      words: 'asked: {question}',
      payload: Type.Object({ question: Type.String(), options: Type.Array(Type.String()) }),
    },
    {
      name: 'poll.vote',
      v: 1,
      summary: 'One vote',
      words: 'voted {option} in {poll}',
      payload: Type.Object({ poll: Type.String(), option: Type.String() }),
    },
  ],
  rules,
  contributes: [ask, vote, result, votes],
})

/** Knowledge: what agents found out, by topic. */
import { definePlugin } from '../../kernel/index.ts'
import { readModel } from '../read-model/service.ts'
import { knowledge } from './entries.ts'
import { listKnowledge, listTopics, recordKnowledge } from './operations.ts'
import { topicsTable } from './tables.ts'

export default definePlugin({
  name: 'knowledge',
  version: '0.1.0',
  api: 1,
  summary: 'What agents found out, by topic, with source and confidence',
  requires: [readModel],
  entryTypes: [knowledge],
  contributes: [recordKnowledge, listKnowledge, listTopics, topicsTable],
})

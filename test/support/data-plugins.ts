/** The plugins that a kernel needs to have the read model and events, with a toy plugin that has tables. */
import { definePlugin, type PluginEntry } from '../../kernel/index.ts'
import access from '../../plugins/access/index.ts'
import events from '../../plugins/events/index.ts'
import http from '../../plugins/http/index.ts'
import operations from '../../plugins/operations/index.ts'
import readModel from '../../plugins/read-model/index.ts'
import { table } from '../../plugins/read-model/table.ts'
import store from '../../plugins/store/index.ts'
import { counters, lines, noteType, stepType } from './index-bench.ts'

export const toyTables = definePlugin({
  name: 'toy-tables',
  version: '0.0.0',
  api: 1,
  summary: 'Counters and lines, for tests',
  entryTypes: [noteType, stepType],
  contributes: [table(counters), table(lines)],
})

export const dataPlugins: PluginEntry[] = [
  store,
  readModel,
  events,
  operations,
  access,
  { plugin: http, config: { port: 0 } },
  toyTables,
]

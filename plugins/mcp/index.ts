/** MCP: the operations as tools, entries, topics and tasks as resources, over Streamable HTTP at `/mcp`. */
import { definePlugin, Type } from '../../kernel/index.ts'
import { access } from '../access/service.ts'
import { events } from '../events/service.ts'
import { http } from '../http/route.ts'
import { operations } from '../operations/service.ts'
import { activePact } from '../pacts/service.ts'
import './errors.ts'
import { deleteMcp, getMcp, postMcp } from './routes.ts'
import { mcp } from './service.ts'
import { Sessions } from './sessions.ts'
import { unlisted } from './tools.ts'

export default definePlugin({
  name: 'mcp',
  version: '0.1.0',
  api: 1,
  summary: 'Tools, resources and prompts for agents that speak MCP',
  requires: [operations, events, activePact, access, http],
  provides: [mcp],
  config: Type.Object({
    sessions: Type.Integer({ minimum: 1, maximum: 10_000, default: 256, description: 'Sessions at a time' }),
    idle_seconds: Type.Number({ exclusiveMinimum: 0, default: 1800, description: 'After which a silent session ends' }),
    unlisted: Type.Array(Type.String(), {
      default: unlisted,
      description: 'Operations whose tools are not in the list',
    }),
  }),
  contributes: [postMcp, getMcp, deleteMcp],
  setup(ctx) {
    const parts = {
      kernel: ctx.kernel,
      operations: ctx.use(operations),
      events: ctx.use(events),
      access: ctx.use(access),
      active: ctx.use(activePact),
      unlisted: new Set(ctx.config.unlisted),
    }
    const sessions = new Sessions(parts, { sessions: ctx.config.sessions, idle: ctx.config.idle_seconds * 1000 })
    // Requests have ended before, with the server of http; what is left are sessions between two of them.
    ctx.onClose(() => sessions.close())
    ctx.provide(mcp, sessions)
  },
})

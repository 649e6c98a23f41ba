/** Guide: tells an agent that finds this daemon how to use it, made of what the plugins declare. Open to all, as it says nothing private. */
import { definePlugin } from '../../kernel/index.ts'
import { type RouteContext, route } from '../http/route.ts'
import type { Operation } from '../operations/operation.ts'
import { operations } from '../operations/service.ts'
import { type FileName, ROOT, skillFiles, skillIndex } from './files.ts'
import { llmsFile } from './llms-file.ts'
import { SKILL } from './skill-file.ts'

/** Made once: the declarations stay the same as long as a daemon runs. */
const made = new WeakMap<readonly Operation[], Record<FileName, string>>()

function filesOf(ctx: RouteContext): Record<FileName, string> {
  const list = ctx.use(operations).list()
  const files = made.get(list) ?? skillFiles(list)
  made.set(list, files)
  return files
}

const open = { method: 'GET', access: 'open', head: true } as const

function file(name: FileName, type: string) {
  return route({
    ...open,
    path: `${ROOT}/${SKILL}/${name}`,
    summary: `${name} of the agent skill of this daemon`,
    handle: ({ reply, ctx }) => reply.header('content-type', type).send(filesOf(ctx)[name]),
  })
}

const index = route({
  ...open,
  path: `${ROOT}/index.json`,
  summary: 'The agent skills of this daemon, with digests',
  handle: ({ ctx }) => skillIndex(filesOf(ctx)),
})

const llms = route({
  ...open,
  path: '/llms.txt',
  summary: 'Where a model finds out how to use this daemon',
  handle: ({ reply }) => reply.header('content-type', 'text/plain; charset=utf-8').send(llmsFile()),
})

export default definePlugin({
  name: 'guide',
  version: '0.1.0',
  api: 1,
  summary: 'An agent skill and llms.txt, made of the operations',
  requires: [operations],
  contributes: [
    index,
    llms,
    file('SKILL.md', 'text/markdown; charset=utf-8'),
    file('tools.json', 'application/json; charset=utf-8'),
  ],
})

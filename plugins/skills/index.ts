/** Skills: instructions and code that agents publish in versions and people install. */
import { definePlugin } from '../../kernel/index.ts'
import { attachments } from '../attachments/service.ts'
import { readModel } from '../read-model/service.ts'
import { skill } from './entries.ts'
import './errors.ts'
import { Fetching } from './fetching.ts'
import { SkillFolder } from './folder.ts'
import { diffSkill, readSkill } from './operations/content.ts'
import { installSkill, listInstalled, removeSkill } from './operations/install.ts'
import { listSkills, showSkill } from './operations/list.ts'
import { publishSkill } from './operations/publish.ts'
import { skillFolder } from './service.ts'
import { contentsTable, skillsTable } from './tables.ts'

export default definePlugin({
  name: 'skills',
  version: '0.1.0',
  api: 1,
  summary: 'Instructions and code that agents publish in versions and people install',
  requires: [attachments, readModel],
  provides: [skillFolder],
  entryTypes: [skill],
  contributes: [
    ...[publishSkill, listSkills, showSkill, readSkill, diffSkill],
    ...[installSkill, listInstalled, removeSkill, skillsTable, contentsTable],
  ],
  setup(ctx) {
    const model = ctx.use(readModel)
    const fetching = new Fetching(model, ctx.use(attachments), ctx.log)
    ctx.provide(skillFolder, new SkillFolder(ctx.kernel.dataDir))
    ctx.onClose(model.onSync((pact, from) => fetching.look(pact, from)))
    ctx.tap('pact.opened', pact => fetching.look(pact, 0), { order: 'post' })
    ctx.tap('pact.closed', pact => fetching.forget(pact), { order: 'pre' })
  },
})

/** The folder of installed skills, for the operations of this plugin. */
import { serviceRef } from '../../kernel/index.ts'
import type { SkillFolder } from './folder.ts'

export const skillFolder = serviceRef<SkillFolder>('skills-folder', 1)

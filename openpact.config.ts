/**
 * What a daemon runs when its data directory says nothing else: every plugin that comes with OpenPact, by name.
 * A file `openpact.config.*` in the data directory is laid over this one; it names only what it changes.
 */
import { type Config, defineConfig } from './kernel/config.ts'
import access from './plugins/access/index.ts'
import agents from './plugins/agents/index.ts'
import attachments from './plugins/attachments/index.ts'
import backup from './plugins/backup/index.ts'
import devices from './plugins/devices/index.ts'
import digest from './plugins/digest/index.ts'
import events from './plugins/events/index.ts'
import guide from './plugins/guide/index.ts'
import health from './plugins/health/index.ts'
import http from './plugins/http/index.ts'
import invites from './plugins/invites/index.ts'
import knowledge from './plugins/knowledge/index.ts'
import mcp from './plugins/mcp/index.ts'
import messages from './plugins/messages/index.ts'
import operations from './plugins/operations/index.ts'
import pacts from './plugins/pacts/index.ts'
import readModel from './plugins/read-model/index.ts'
import secrets from './plugins/secrets/index.ts'
import skills from './plugins/skills/index.ts'
import store from './plugins/store/index.ts'
import tasks from './plugins/tasks/index.ts'
import triggers from './plugins/triggers/index.ts'
import webhooks from './plugins/webhooks/index.ts'

const config: Config = defineConfig({
  plugins: [
    store,
    readModel,
    events,
    operations,
    access,
    http,
    pacts,
    invites,
    devices,
    agents,
    attachments,
    knowledge,
    tasks,
    digest,
    messages,
    skills,
    secrets,
    health,
    mcp,
    guide,
    backup,
    webhooks,
    triggers,
  ],
})
export default config

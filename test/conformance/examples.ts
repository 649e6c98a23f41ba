/**
 * For every operation an input that works and one that is refused. An operation without an example fails the test: whoever adds one says
 * here how it is used. Operations of a plugin stand together; a plugin from outside is treated the same.
 */

import { join } from 'node:path'

export type Fields = Record<string, unknown>

/** What examples are made of: an own world for each surface, so that none sees what another did. */
export interface World {
  /** Alias of the pact that calls are about. */
  readonly pact: string
  /** Runs an operation to prepare something. */
  prepare(operation: string, input?: Fields): Promise<Fields>
  /** A folder for files. */
  readonly folder: string
  /** A name that was not used before. */
  fresh(prefix: string): string
}

type Made = Fields | ((world: World) => Fields | Promise<Fields>)

export interface Example {
  /** Works. Made anew for each surface where the operation writes. */
  works?: Made
  /** Why it cannot be shown to work on one machine. */
  alone?: string
  /** Is refused with this code. May be left out only where nothing that fits a field could be wrong. */
  refused?: [input: Made, code: string]
  /** Why no input is refused. */
  takesAll?: string
  /** Fields of the output that change by themselves from one moment to the next. */
  moving?: readonly string[]
}

const unknown = '0badcafe-1'
const secondMachine = 'needs a second machine; test/e2e shows it'

const knowledge = (world: World) =>
  world.prepare('knowledge.record', { topic: world.fresh('topic'), content: 'Known.' })
const task = (world: World) => world.prepare('tasks.create', { title: 'To be done' })
const claimed = async (world: World) => {
  const { id } = await task(world)
  await world.prepare('tasks.claim', { id, until: 'applied' })
  return { id }
}
const idOf =
  (make: (world: World) => Promise<Fields>, more: Fields = {}) =>
  async (world: World) => ({ id: (await make(world)).id, ...more })
const newPact = (world: World) => world.prepare('pacts.create', { name: 'Other', alias: world.fresh('other') })
const message = (world: World) => world.prepare('messages.send', { content: 'Said.' })
const skill = (world: World) =>
  world.prepare('skills.publish', {
    name: world.fresh('skill'),
    version: '1.0.0',
    content: 'Look twice.',
    description: 'How to look',
  })
const installed = async (world: World) => {
  const { id, name } = await skill(world)
  await world.prepare('skills.install', { id })
  return { name }
}
const hook = 'http://127.0.0.1:9/hook'
const subscription = (world: World) => world.prepare('webhooks.subscribe', { callback: hook, match: { text: 'never' } })
const poll = (world: World) => world.prepare('polls.ask', { question: 'Tabs?', options: ['yes', 'no'] })
const self = async (world: World) => (await world.prepare('pacts.status')).peer_handle

export const examples: Record<string, Example> = {
  'access.issue': { works: { access: 'read', lifetime: 60_000 }, refused: [{ agent: 'nobody' }, 'AGENT_UNKNOWN'] },
  'access.list': { works: {} },
  'access.revoke': {
    works: async world => ({ id: ((await world.prepare('access.issue')).info as Fields).id }),
    refused: [{ id: '00000000' }, 'TOKEN_UNKNOWN'],
  },
  'access.rotate': { works: {} },

  'agents.add': {
    works: world => ({ name: world.fresh('agent') }),
    refused: [{ name: 'Not A Name' }, 'INVALID_INPUT'],
  },
  'agents.list': { works: {}, moving: ['last_seen'] },
  'agents.revoke': {
    works: async world => ({ name: (await world.prepare('agents.add', { name: world.fresh('agent') })).name }),
    refused: [{ name: 'nobody' }, 'AGENT_UNKNOWN'],
  },

  'backup.create': {
    works: world => ({ passphrase: 'four words are enough', file: join(world.folder, world.fresh('archive')) }),
    refused: [{ passphrase: 'four words are enough', file: 'not/absolute' }, 'INVALID_INPUT'],
    moving: ['bytes', 'pacts'],
  },
  'backup.entries': {
    alone: 'needs a restored archive; the tests of plugins/backup show it',
    refused: [{ archived: 'nothing' }, 'ARCHIVED_UNKNOWN'],
  },
  'backup.pacts': { works: {} },
  'backup.refound': {
    alone: 'needs a restored archive; the tests of plugins/backup show it',
    refused: [{ pact: 'nothing' }, 'PACT_UNKNOWN'],
  },

  'devices.link': { works: {} },
  'devices.list': { works: {} },
  'devices.retire': { alone: secondMachine, refused: [{ writer: 'deadbeef' }, 'DEVICE_UNKNOWN'] },

  'entries.get': { works: idOf(knowledge), refused: [{ id: unknown }, 'ENTRY_UNKNOWN'] },
  'entries.list': { works: { type: ['knowledge', 'task'], limit: 3 }, refused: [{ cursor: 'x' }, 'CURSOR_INVALID'] },
  'entries.referenced-by': {
    works: async world => {
      const { id } = await knowledge(world)
      await world.prepare('knowledge.record', { topic: 'refs', content: 'Also.', refs: [{ id, type: 'supports' }] })
      return { id, type: 'supports' }
    },
    refused: [{ id: unknown, cursor: 'x' }, 'CURSOR_INVALID'],
  },

  'events.changes': {
    works: async world => {
      await knowledge(world)
      return { from: 'start', type: ['knowledge', 'message'], limit: 1 }
    },
    refused: [{ since: 'x' }, 'EVENT_CURSOR_INVALID'],
  },
  'events.test': {
    works: idOf(knowledge, { match: { type: 'knowledge' } }),
    refused: [{ id: unknown, match: {} }, 'ENTRY_UNKNOWN'],
  },

  'digest.read': { works: { peek: true, max_tokens: 200 }, refused: [{ max_tokens: 1 }, 'INVALID_INPUT'] },

  'health.report': { works: {} },

  'invites.create': {
    works: { max_uses: 2, note: 'for a friend' },
    refused: [{ expires_in: 'soon' }, 'INVALID_INPUT'],
  },
  'invites.list': { works: { limit: 2 }, refused: [{ limit: 0 }, 'INVALID_INPUT'] },
  'invites.revoke': {
    works: async world => ({ id: (await world.prepare('invites.create')).id }),
    refused: [{ id: 'deadbeef' }, 'INVITE_UNKNOWN'],
  },

  'knowledge.record': {
    works: { topic: 'written', content: 'Found out.', confidence: 0.5, refs: [unknown] },
    refused: [{ topic: 'written', content: 'x', confidence: 2 }, 'INVALID_INPUT'],
  },
  'knowledge.list': { works: { topic: 'written' }, refused: [{ since: 'never' }, 'INVALID_INPUT'] },
  'knowledge.topics': { works: { limit: 2 }, refused: [{ cursor: 'x' }, 'CURSOR_INVALID'] },

  'messages.follow': {
    works: { roles: ['reviewer'], topics: ['reviews', 'builds'] },
    refused: [{ roles: ['No Role'] }, 'INVALID_INPUT'],
  },
  'messages.inbox': { works: { all: true, limit: 2 }, refused: [{ all: true, priority: 'high' }, 'INVALID_INPUT'] },
  'messages.list': { works: { limit: 2 }, refused: [{ to: 'nobody-000000' }, 'RECIPIENT_UNKNOWN'] },
  'messages.read': {
    works: async world => ({ up_to: (await world.prepare('messages.inbox')).mark }),
    refused: [{ ids: [unknown] }, 'MESSAGE_UNKNOWN'],
  },
  'messages.send': {
    works: async world => ({ content: 'Hear!', to: await self(world), priority: 'high' }),
    refused: [{ content: 'Hear!', to: 'nobody-000000' }, 'RECIPIENT_UNKNOWN'],
  },
  'messages.thread': { works: idOf(message), refused: [{ id: unknown }, 'MESSAGE_UNKNOWN'] },

  'operations.list': { works: {} },

  'pacts.amend': {
    works: { purpose: 'To conform' },
    refused: [{ base: '0'.repeat(64), name: 'x' }, 'CHARTER_CONFLICT'],
  },
  'pacts.cancel_join': { alone: secondMachine, refused: [{ ticket: 'deadbeef' }, 'JOIN_UNKNOWN'] },
  'pacts.charter': { works: {} },
  'pacts.create': {
    works: world => ({ name: 'New', alias: world.fresh('new') }),
    refused: [{ name: 'New', alias: 'first' }, 'PACT_EXISTS'],
  },
  'pacts.disable_rules': {
    works: async world => {
      await world.prepare('pacts.enable_rules', { plugin: 'devices' })
      return { plugin: 'devices', force: true }
    },
    refused: [{ plugin: 'device' }, 'RULES_UNKNOWN'],
  },
  'pacts.enable_rules': { works: { plugin: 'tasks' }, refused: [{ plugin: 'device' }, 'RULES_UNKNOWN'] },
  'pacts.indexers': {
    works: async world => {
      const { indexers } = await world.prepare('pacts.status')
      return { indexers: [(indexers as { writer: string }[])[0]?.writer] }
    },
    refused: [{ indexers: ['deadbeef'] }, 'MEMBER_UNKNOWN'],
  },
  'pacts.info': { works: world => ({ pactId: world.pact }), refused: [{ pactId: 'frist' }, 'PACT_UNKNOWN'] },
  'pacts.join': { alone: secondMachine, refused: [{ token: 'nonsense' }, 'INVITE_MALFORMED'] },
  'pacts.joins': { works: {} },
  'pacts.leave': {
    works: async world => ({ pactId: (await newPact(world)).alias, force: true }),
    refused: [world => ({ pactId: world.pact }), 'LEAVING_STOPS_PACT'],
  },
  'pacts.list': { works: {} },
  'pacts.machine': { works: {} },
  'pacts.members': { works: {} },
  'pacts.plugins': { works: {} },
  'pacts.remove': { alone: secondMachine, refused: [{ member: 'deadbeef' }, 'MEMBER_UNKNOWN'] },
  'pacts.rename': { works: { alias: 'first' }, refused: [{ alias: 'Not An Alias' }, 'INVALID_INPUT'] },
  'pacts.role': { alone: secondMachine, refused: [{ member: 'deadbeef', role: 'admin' }, 'MEMBER_UNKNOWN'] },
  'pacts.status': { works: {} },
  'pacts.switch': { works: world => ({ pact: world.pact }), refused: [{ pact: 'frist' }, 'PACT_UNKNOWN'] },

  'polls.ask': {
    works: { question: 'Tabs?', options: ['yes', 'no'] },
    refused: [{ question: 'Tabs?', options: ['yes'] }, 'INVALID_INPUT'],
  },
  'polls.vote': {
    works: idOf(poll, { option: 'no' }),
    refused: [idOf(poll, { option: 'maybe' }), 'POLL_OPTION_UNKNOWN'],
  },
  'polls.result': { works: idOf(poll), takesAll: 'an unknown poll has no votes' },

  'skills.content': { works: idOf(skill), refused: [{ id: 'nothing' }, 'SKILL_UNKNOWN'] },
  'skills.diff': {
    works: async world => {
      const { name, id } = await skill(world)
      await world.prepare('skills.publish', { name, version: '1.1.0', content: 'Look thrice.', description: 'How' })
      return { id: name, from: id }
    },
    refused: [{ id: 'nothing' }, 'SKILL_UNKNOWN'],
  },
  'skills.install': { works: idOf(skill), refused: [{ id: 'nothing' }, 'SKILL_UNKNOWN'] },
  'skills.installed': { works: {} },
  'skills.list': { works: { limit: 2 }, refused: [{ cursor: 'x' }, 'CURSOR_INVALID'] },
  'skills.publish': {
    works: world => ({ name: world.fresh('skill'), version: '2.0.0', content: 'Look.', description: 'How to look' }),
    refused: [{ name: 'skill', version: 'one', content: 'x', description: 'x' }, 'INVALID_INPUT'],
  },
  'skills.remove': { works: installed, refused: [{ name: 'nothing' }, 'SKILL_NOT_INSTALLED'] },
  'skills.show': { works: idOf(skill), refused: [{ id: 'nothing' }, 'SKILL_UNKNOWN'] },

  'tasks.claim': { works: idOf(task, { lease_ms: 90_000 }), refused: [{ id: unknown }, 'TASK_UNKNOWN'] },
  'tasks.complete': { works: idOf(claimed, { result: { tests: 3 } }), refused: [idOf(task), 'NOT_CLAIMANT'] },
  'tasks.create': {
    works: { title: 'Conform', priority: 'high', topic: 'conformance' },
    refused: [{ title: 'Conform', assignee: 'nobody-000000' }, 'AGENT_NOT_FOUND'],
  },
  'tasks.list': { works: { ready: true, limit: 2 }, refused: [{ ready: true, status: 'open' }, 'INVALID_INPUT'] },
  'tasks.release': { works: idOf(claimed, { reason: 'Other work.' }), refused: [{ id: unknown }, 'TASK_UNKNOWN'] },
  'tasks.renew': { works: idOf(claimed), refused: [{ id: unknown }, 'TASK_UNKNOWN'] },
  'tasks.show': { works: idOf(claimed), refused: [{ id: unknown }, 'TASK_UNKNOWN'] },

  // `ready` is the one trigger of the daemon under test.
  'triggers.approve': { works: { id: 'ready' }, refused: [{ id: 'reddy' }, 'TRIGGER_UNKNOWN'] },
  'triggers.history': { works: { id: 'nothing' }, refused: [{ cursor: 'x' }, 'CURSOR_INVALID'] },
  'triggers.list': { works: {}, moving: ['state', 'waiting', 'running', 'last_run'] },
  'triggers.logs': {
    alone: 'needs a run that has ended; the tests of plugins/triggers show it',
    refused: [{ id: 'reddy' }, 'TRIGGER_UNKNOWN'],
  },
  'triggers.pause': { works: { id: 'ready' }, refused: [{ id: 'reddy' }, 'TRIGGER_UNKNOWN'] },
  'triggers.resume': { works: { id: 'ready' }, refused: [{}, 'INVALID_INPUT'] },
  'triggers.run': {
    works: async world => {
      const { id } = await world.prepare('knowledge.record', { topic: 'trigger', content: 'Fires.' })
      return { id: 'ready', entry: id }
    },
    refused: [{ id: 'ready', entry: unknown }, 'ENTRY_UNKNOWN'],
    moving: ['key', 'attempt', 'state', 'reason', 'started', 'ms', 'code'],
  },
  'triggers.test': { works: idOf(knowledge), refused: [{ id: unknown }, 'ENTRY_UNKNOWN'] },

  'webhooks.deliveries': { works: idOf(subscription), refused: [{ id: 'nothing' }, 'SUBSCRIPTION_UNKNOWN'] },
  'webhooks.list': { works: {} },
  'webhooks.ping': {
    works: idOf(subscription),
    refused: [{ id: 'nothing' }, 'SUBSCRIPTION_UNKNOWN'],
    moving: ['ms'],
  },
  'webhooks.replay': { works: idOf(subscription), refused: [{ id: 'nothing' }, 'SUBSCRIPTION_UNKNOWN'] },
  'webhooks.rotate': { works: idOf(subscription), refused: [{ id: 'nothing' }, 'SUBSCRIPTION_UNKNOWN'] },
  'webhooks.show': { works: idOf(subscription), refused: [{ id: 'nothing' }, 'SUBSCRIPTION_UNKNOWN'] },
  'webhooks.subscribe': {
    works: { callback: hook, match: { type: ['task'], text: 'never' } },
    refused: [{ callback: 'nonsense' }, 'CALLBACK_INVALID'],
  },
  'webhooks.unsubscribe': { works: idOf(subscription), refused: [{ id: 'nothing' }, 'SUBSCRIPTION_UNKNOWN'] },
}

/** What the compiler must and must not accept. Checked by `tsc`, never run. */
import type { ItemOf, OpenPact, Operations, OperationsOf, OperationTypes, PactEvent } from './index.ts'
import { connect, isOpenPactError } from './index.ts'

type Exact<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** The same type with intersections and aliases resolved, so that only what it says is compared; without fields, `nothing`. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? [T[keyof T]] extends [never]
      ? 'nothing'
      : { [Key in keyof T]: Plain<T[Key]> }
    : T
function proves<_Claim extends true>(): void {}

/** Operations of every kind of schema that there is, inferred from their declarations. */
type Declared = OperationsOf<typeof import('../plugins/access/operations.ts')> &
  OperationsOf<typeof import('../plugins/agents/operations.ts')> &
  OperationsOf<typeof import('../plugins/devices/operations.ts')> &
  OperationsOf<typeof import('../plugins/events/explain.ts')> &
  OperationsOf<typeof import('../plugins/events/operations.ts')> &
  OperationsOf<typeof import('../plugins/digest/operations.ts')> &
  OperationsOf<typeof import('../plugins/invites/operations.ts')> &
  OperationsOf<typeof import('../plugins/messages/operations/inbox.ts')> &
  OperationsOf<typeof import('../plugins/messages/operations/list.ts')> &
  OperationsOf<typeof import('../plugins/messages/operations/send.ts')> &
  OperationsOf<typeof import('../plugins/skills/operations/content.ts')> &
  OperationsOf<typeof import('../plugins/skills/operations/install.ts')> &
  OperationsOf<typeof import('../plugins/skills/operations/list.ts')> &
  OperationsOf<typeof import('../plugins/skills/operations/publish.ts')> &
  OperationsOf<typeof import('../plugins/knowledge/operations.ts')> &
  OperationsOf<typeof import('../plugins/operations/operation-list.ts')> &
  OperationsOf<typeof import('../plugins/pacts/operations/charter.ts')> &
  OperationsOf<typeof import('../plugins/pacts/operations/join.ts')> &
  OperationsOf<typeof import('../plugins/pacts/operations/machine.ts')> &
  OperationsOf<typeof import('../plugins/pacts/operations/members.ts')> &
  OperationsOf<typeof import('../plugins/pacts/operations/status.ts')> &
  OperationsOf<typeof import('../plugins/read-model/operations.ts')> &
  OperationsOf<typeof import('../plugins/tasks/operations/claim.ts')> &
  OperationsOf<typeof import('../plugins/tasks/operations/complete.ts')> &
  OperationsOf<typeof import('../plugins/tasks/operations/create.ts')> &
  OperationsOf<typeof import('../plugins/tasks/operations/list.ts')> &
  OperationsOf<typeof import('../plugins/tasks/operations/release.ts')> &
  OperationsOf<typeof import('../plugins/tasks/operations/renew.ts')> &
  OperationsOf<typeof import('../plugins/tasks/operations/show.ts')>

/** `operation()` gives every write this input by itself; no declaration names it. */
type Generated<Name extends keyof Operations> = {
  input: Omit<Operations[Name]['input'], 'allow_secret'>
  output: Operations[Name]['output']
}
type Differing = {
  [Name in keyof Operations & keyof Declared]: Exact<Plain<Generated<Name>>, Plain<Declared[Name]>> extends true
    ? never
    : Name
}[keyof Operations & keyof Declared]

// The generated types, which are made of schemas, say what is inferred from the declarations.
proves<Exact<Differing, never>>()
proves<'tasks.claim' | 'pacts.info' | 'events.test' extends keyof Operations & keyof Declared ? true : false>()

type Polls = OperationsOf<typeof import('../examples/plugins/polls/operations.ts')>

export async function accepted(client: OpenPact): Promise<void> {
  const claimed = await client.call('tasks.claim', { id: '0badcafe-1', until: 'applied' }, { timeout: 1000 })
  proves<Exact<typeof claimed.status, 'open' | 'claimed' | 'complete'>>()
  const { entries } = await client.call('pacts.list')
  proves<Exact<(typeof entries)[number]['alias'], string>>()
  for await (const task of client.list('tasks.list', { ready: true })) proves<Exact<typeof task.title, string>>()
  for await (const event of client.events({ type: ['task.ready'], match: { text: 'sdk' } }))
    proves<Exact<typeof event, PactEvent>>()
  proves<Exact<ItemOf<Operations['knowledge.topics']['output']>['topic'], string>>()

  const polls = await connect<Polls>({ pact: 'work' })
  const { id } = await polls.call('polls.ask', { question: 'Tabs?', options: ['yes', 'no'] })
  const votes = await polls.pact('other').call('polls.result', { id })
  proves<Exact<(typeof votes)[number]['votes'], number>>()
  const unknown = await client.invoke('polls.result', { id })
  proves<Exact<typeof unknown, unknown>>()
  const open: OpenPact<OperationTypes> = await connect<OperationTypes>()
  await open.call('anything.at-all', { some: 'input' })

  try {
    await client.call('tasks.renew', { id })
  } catch (error) {
    if (isOpenPactError(error, 'TASK_NOT_OPEN', 'DAEMON_DOWN')) {
      proves<Exact<typeof error.code, 'TASK_NOT_OPEN' | 'DAEMON_DOWN'>>()
    }
  }
}

export async function refused(client: OpenPact, error: unknown): Promise<void> {
  // @ts-expect-error no such operation
  await client.call('tasks.clam', { id: '' })
  // @ts-expect-error the input is missing
  await client.call('tasks.claim')
  // @ts-expect-error a field is missing
  await client.call('tasks.claim', { until: 'applied' })
  // @ts-expect-error a field is of the wrong type
  await client.call('tasks.claim', { id: 7 })
  // @ts-expect-error no such choice
  await client.call('tasks.list', { status: 'closed' })
  // @ts-expect-error no such field
  await client.call('tasks.list', { state: 'open' })
  // @ts-expect-error it takes no fields
  await client.call('pacts.list', { state: 'open' })
  // @ts-expect-error no such option
  await client.call('tasks.list', {}, { timeoutMs: 5 })
  // @ts-expect-error the output has no such field
  void (await client.call('pacts.list')).pacts
  // @ts-expect-error one task is no list
  client.list('tasks.show', { id: '' })
  // @ts-expect-error changes are followed, not walked to an end
  client.list('events.changes')
  // @ts-expect-error the types of that plugin were not given
  await client.call('polls.result', { id: '' })
  // @ts-expect-error events carry a cursor, not a position in a list
  for await (const event of client.events({ cursor: '' })) void event
  // @ts-expect-error no such code
  isOpenPactError(error, 'TASK_NOT_OPENED')
  // @ts-expect-error the output of an operation that is only named is not known
  void ((await client.invoke('polls.result')) satisfies object)
}

/** Verbs made from the daemon's operations: what a plugin declares once is a command here. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Argument, type Command, Option } from 'commander'
import { OpenPactError } from '../kernel/errors.ts'
import type { Operation } from '../plugins/operations/operation.ts'
import { type DaemonRecord, runningDaemon } from './place.ts'
import type { Session } from './session.ts'

/** One operation as `GET /v1/operations` lists it; fields that are not used here are left out. */
export interface OperationInfo {
  name: string
  summary: string
  description?: string
  method: string
  /** From the root, with `:parameters`. */
  path: string
  params: string[]
  /** The other fields of the input go into the query string, otherwise into a JSON body. */
  query: boolean
  scope: 'pact' | 'daemon'
  input: Schema
  cli?: { path: string; args?: string[]; columns?: string[] }
}

/** The part of JSON schema that decides how a field is typed on a command line. */
export interface Schema {
  type?: string | string[]
  description?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  allOf?: Schema[]
}

interface Cache {
  /** Of the daemon that answered: a later one may have other plugins. */
  pid: number
  started: number
  entries: OperationInfo[]
}

/** The operations of the running daemon, or those it had when it last ran, or the built-in ones when it never did. */
export async function knownOperations(session: Session): Promise<OperationInfo[]> {
  const cached = readCache(session.place.operationsFile)
  const daemon = runningDaemon(session.place)
  if (!daemon) return cached?.entries ?? builtInOperations()
  if (cached && cached.pid === daemon.pid && cached.started === daemon.started) return cached.entries
  try {
    const { body } = await session
      .clientOf(daemon)
      .get<{ entries: OperationInfo[] }>('/v1/operations', { timeout: 5000 })
    writeCache(session.place.operationsFile, daemon, body.entries)
    return body.entries
  } catch {
    // Help must work whatever the daemon does; the command itself will say what is wrong.
    return cached?.entries ?? builtInOperations()
  }
}

/** Before any daemon has run here: what the plugins that come with OpenPact declare. */
async function builtInOperations(): Promise<OperationInfo[]> {
  const [{ default: config }, { operationInfo }, { operationPoint }] = await Promise.all([
    import('../openpact.config.ts'),
    import('../plugins/operations/operation-list.ts'),
    import('../plugins/operations/operation.ts'),
  ])
  return (config.plugins ?? []).flatMap(entry => {
    if (typeof entry !== 'object' || 'plugin' in entry) return []
    const declared = (entry.contributes ?? []).filter(({ point }) => point === operationPoint.id)
    return declared.map(({ value }) => operationInfo(value as Operation, entry.name) as OperationInfo)
  })
}

function readCache(file: string): Cache | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

function writeCache(file: string, { pid, started }: DaemonRecord, entries: OperationInfo[]): void {
  const fresh = `${file}.${process.pid}`
  const cache: Cache = { pid, started, entries }
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(fresh, JSON.stringify(cache), { mode: 0o600 })
    renameSync(fresh, file)
  } catch {
    // A cache that cannot be kept costs one request next time.
  }
}

/** Adds a command for every operation that names one. Own commands of the same words win. */
export function addOperations(program: Command, operations: readonly OperationInfo[], session: () => Session): void {
  for (const operation of operations) {
    if (!operation.cli) continue
    const words = operation.cli.path.split(' ')
    const last = words.pop()
    const parent = words.reduce((above, word) => child(above, word), program)
    if (last === undefined || parent.commands.some(known => known.name() === last && known.description() !== ''))
      continue
    describe(child(parent, last), operation).action(async (...received: unknown[]) => {
      const command = received.at(-1) as Command
      await run(operation, inputOf(operation, command), session())
    })
  }
}

/** A word may be a group (`task`) and a command of its own (`task <id>`). */
function child(parent: Command, word: string): Command {
  const known = parent.commands.find(command => command.name() === word)
  return known ?? parent.command(word).summary(`commands on ${word}`).helpGroup('Verbs of plugins:')
}

function describe(command: Command, operation: OperationInfo): Command {
  const { properties, required } = fieldsOf(operation.input)
  const positional = operation.cli?.args ?? []
  command.summary(operation.summary).description(operation.description ?? operation.summary)
  for (const name of positional) {
    const argument = new Argument(required.includes(name) ? `<${flag(name)}>` : `[${flag(name)}]`)
    command.addArgument(argument.argParser(text => text))
  }
  for (const [name, schema] of Object.entries(properties)) {
    if (positional.includes(name)) continue
    const option = optionOf(name, schema)
    command.addOption(required.includes(name) ? option.makeOptionMandatory() : option)
  }
  return command
}

function optionOf(name: string, schema: Schema): Option {
  const types = typesOf(schema)
  const description = [schema.description, choicesOf(schema)?.join(' | ')].filter(Boolean).join(': ')
  if (types.has('boolean') && types.size === 1) return new Option(`--${flag(name)}`, description)
  if (types.has('array')) return new Option(`--${flag(name)} <value>`, description).argParser(collect)
  return new Option(`--${flag(name)} <value>`, description)
}

function collect(text: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? before : []), text]
}

/** What was typed as the operation's input, by the types that its schema allows. @throws OpenPactError USAGE */
export function inputOf(operation: OperationInfo, command: Command): Record<string, unknown> {
  const { properties } = fieldsOf(operation.input)
  const positional = operation.cli?.args ?? []
  const options = command.opts()
  const input: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(properties)) {
    const at = positional.indexOf(name)
    const typed: unknown = at >= 0 ? command.processedArgs[at] : options[attribute(name)]
    if (typed !== undefined) input[name] = typedValue(name, typed, schema)
  }
  return input
}

function typedValue(name: string, typed: unknown, schema: Schema): unknown {
  if (typeof typed === 'boolean') return typed
  const types = typesOf(schema)
  if (types.has('array')) {
    return (Array.isArray(typed) ? typed : [typed]).map(item => scalar(name, String(item), schema.items ?? {}))
  }
  return scalar(name, String(typed), schema)
}

function scalar(name: string, text: string, schema: Schema): unknown {
  const types = typesOf(schema)
  if ((types.has('number') || types.has('integer')) && text.trim() !== '' && Number.isFinite(Number(text))) {
    return Number(text)
  }
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (types.has('null') && text === 'null') return null
  const json = types.has('object') || types.has('array') || types.size === 0
  if (json && /^\s*[[{]/.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      const hint = `Quote it for your shell, e.g. --${flag(name)} '{"key":"value"}'`
      throw new OpenPactError('USAGE', { reason: `--${flag(name)} is not JSON: ${text}`, hint })
    }
  }
  return text
}

async function run(operation: OperationInfo, input: Record<string, unknown>, session: Session): Promise<void> {
  const client = session.client()
  const rest = { ...input }
  let path = operation.path
  if (operation.scope === 'pact') path = path.replace('/v1/pacts/:pactId', await session.pactPath(client))
  for (const name of operation.params) {
    path = path.replace(`:${name}`, encodeURIComponent(String(input[name])))
    delete rest[name]
  }
  const options = operation.query ? { query: rest } : { body: rest }
  const work = () => client.request(operation.method, path, { ...options, timeout: 120_000 })
  const { status, body } = await session.progress(operation.summary, work)
  session.print(body, operation.cli?.columns?.length ? operation.cli.columns : undefined)
  if (status === 202 && !session.json) session.write('Not settled yet: ask again in a moment.\n')
}

function fieldsOf(schema: Schema): { properties: Record<string, Schema>; required: string[] } {
  const parts = [schema, ...(schema.allOf ?? [])]
  return {
    properties: Object.assign({}, ...parts.map(part => part.properties ?? {})),
    required: parts.flatMap(part => part.required ?? []),
  }
}

function typesOf(schema: Schema): Set<string> {
  const own = schema.type === undefined ? [] : [schema.type].flat()
  const literal = schema.const ?? schema.enum?.[0]
  const literals = own.length === 0 && literal !== undefined ? [literal === null ? 'null' : typeof literal] : []
  return new Set([...own, ...literals, ...(schema.anyOf ?? []).flatMap(part => [...typesOf(part)])])
}

function choicesOf(schema: Schema): string[] | undefined {
  const parts = schema.anyOf ?? [schema]
  const choices = parts.flatMap(part => part.enum ?? (part.const === undefined ? [] : [part.const]))
  return choices.length > 0 && choices.length <= 12 ? choices.map(String) : undefined
}

/** `lease_ms` is typed `--lease-ms`. */
function flag(name: string): string {
  return name.replace(/_/g, '-').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** The name under which commander keeps a flag. */
function attribute(name: string): string {
  return flag(name).replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** From the text of triggers.yaml to triggers; faults name their line. */
import { parseArgsStringToArgv } from 'string-argv'
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'
import { isOpenPactError, OpenPactError } from '../../kernel/index.ts'
import type { Match, Matcher } from '../events/service.ts'
import { didYouMean } from '../operations/near-names.ts'
import { closedSchema, compileSchema, faultWords, hasBrokenText } from '../operations/schema-check.ts'
import { complete, hashOf, LONGEST_TIMEOUT, type Trigger, type TriggerItem, TriggerSchema } from './definition.ts'
import './errors.ts'
import { expandHome, findPlace } from './executable.ts'

const MOST = 200
/** Lists in lists, written with brackets: the parser takes memory for each, until there is none. */
const tooDeep = /(?:[[{]\s*){64}/
const fits = compileSchema(closedSchema(TriggerSchema))
const variable = /^(?!OPENPACT_)[A-Za-z_][A-Za-z0-9_]{0,127}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/

/** Says whether it knows an agent. */
export interface Place {
  matcher: Pick<Matcher, 'compile'>
  hasAgent(name: string): boolean
}

/** @throws OpenPactError TRIGGERS_FILE_INVALID with the line of the first fault */
export function parseTriggers(text: string, place: Place): Trigger[] {
  if (tooDeep.test(text)) throw invalid(1, 'it is nested too deep.')
  // What reading puts for bytes that are no UTF-8.
  const broken = text.indexOf('\uFFFD')
  if (broken >= 0) throw invalid(text.slice(0, broken).split('\n').length, 'it is not UTF-8; save it as UTF-8.')
  const lines = new LineCounter()
  // Some editors put a byte order mark first.
  const document = parseDocument(text.replace(/^\uFEFF/, ''), { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error?.code === 'MULTIPLE_DOCS')
    throw invalid(lines.linePos(error.pos[0]).line, 'the list ends at "---"; keep all triggers in one.')
  if (error) throw invalid(lines.linePos(error.pos[0]).line, `${error.message}.`)
  const source = new Source(document, lines)
  const value = toValue(document, source)
  if (!Array.isArray(value)) throw invalid(1, 'it should be a list: each trigger begins with "- ".')
  if (value.length > MOST) throw invalid(source.line([String(MOST)]), `at most ${MOST} triggers are allowed.`)
  for (const [at, item] of value.entries()) checkItem(item, String(at), source)
  const taken = new Map<string, number>()
  return (value as TriggerItem[]).map((item, at) => {
    const fault: Fault = (field, reason, key) => invalid(source.line([String(at), field], key), reason)
    const id = item.id ?? unusedId(item.match, taken)
    const before = taken.get(id)
    if (before !== undefined) throw fault('id', `the id "${id}" is taken by the trigger in line ${before}.`)
    taken.set(id, source.line([String(at)]))
    return made(item, id, place, fault)
  })
}

/** @throws OpenPactError TRIGGERS_FILE_INVALID for what is repeated without being there, or too often */
function toValue(document: Document, source: Source): unknown {
  try {
    return document.toJS({ maxAliasCount: 50 }) ?? []
  } catch {
    const alias = aliasOfNothing(document)
    if (!alias) throw invalid(1, 'too much is repeated with "*".')
    throw invalid(source.lineOf(alias), `"*${alias.source.slice(0, 64)}" repeats what nothing before has as its name.`)
  }
}

function aliasOfNothing(document: Document): Alias | null {
  const names = new Set<string>()
  let found: Alias | null = null
  visit(document, {
    Node(_key, node) {
      if (!isAlias(node)) {
        if (node.anchor) names.add(node.anchor)
      } else if (!names.has(node.source)) {
        found = node
        return visit.BREAK
      }
      return undefined
    },
  })
  return found
}

/** Makes the fault of a field of an item, or of a key of that field. */
type Fault = (field: string, reason: string, key?: string) => OpenPactError

const fields = Object.keys(TriggerSchema.properties)

/** A mistyped name is named before what is missing because of it. @throws OpenPactError TRIGGERS_FILE_INVALID */
function checkItem(item: unknown, at: string, source: Source): void {
  const unknown = Object.keys(Object(item)).find(name => !fields.includes(name))
  if (typeof item === 'object' && unknown !== undefined) {
    const near = didYouMean(unknown, fields) || ` Known: ${fields.join(', ')}.`
    throw invalid(source.line([at], unknown), `"${unknown.slice(0, 64)}" is not a known field.${near}`)
  }
  if (fits(item)) return
  const fault = fits.errors?.at(-1)
  const path = (fault?.instancePath ?? '').split('/').slice(1).map(unescaped)
  const { additionalProperty } = (fault?.params ?? {}) as { additionalProperty?: string }
  throw invalid(source.line([at, ...path], additionalProperty), faultWords(fits.errors))
}

function made(item: TriggerItem, id: string, { matcher, hasAgent }: Place, fault: Fault): Trigger {
  const match = joined(item, fault)
  try {
    matcher.compile(match)
  } catch (error) {
    throw isOpenPactError(error) ? fault('match', error.message) : error
  }
  const types = [match.type ?? []].flat()
  if (item.once && !(types.length > 0 && types.every(type => type === 'task' || type.startsWith('task.'))))
    throw fault('once', 'once claims a task, so "match.type" has to be task.')
  const argv = typeof item.run === 'string' ? words(item.run, fault) : item.run
  for (const word of [...argv, ...Object.values(item.env?.set ?? {}), item.cwd ?? ''])
    if (control.test(word)) throw fault('run', 'control characters are not allowed.')
  if (hasBrokenText({ ...item, match: null })) throw fault('run', 'a text in it is not valid Unicode.')
  if (!argv[0]) throw fault('run', 'it should begin with a program.')
  for (const name of Object.keys(item.env?.set ?? {}))
    if (!variable.test(name))
      throw fault('env', `"${name.slice(0, 64)}" cannot be set: it is not a name, or it is ours.`)
  const completed = complete(item)
  if (completed.limits.timeout > LONGEST_TIMEOUT) throw fault('limits', 'a timeout can be at most 7d.', 'timeout')
  const folder = item.cwd === undefined ? null : expandHome(item.cwd)
  const { executable, cwd, fault: missing } = findPlace(argv[0], folder)
  const agent = item.agent !== undefined && !hasAgent(item.agent) ? `no agent "${item.agent}" is on this machine` : null
  const trigger = { ...completed, id, match, argv, cwd, folder, executable }
  return { ...trigger, fault: missing ?? agent, hash: hashOf(trigger) }
}

/** The match with what the full form says beside it. */
function joined({ match, pact, until }: TriggerItem, fault: Fault): Match {
  for (const [field, value] of Object.entries({ pact, until }))
    if (value !== undefined && Object.hasOwn(match, field))
      throw fault(field, `"${field}" is given twice; keep one of the two.`)
  return { ...match, ...(pact !== undefined && { pact }), ...(until !== undefined && { until }) }
}

/** What a shell would do with these words nobody does here. */
const shellWords = new Set(['|', '||', '&', '&&', ';', '>', '>>', '<', '2>&1'])

/** Splits a command into words, once. Quotes hold words together; nothing is replaced or expanded. */
function words(text: string, fault: Fault): string[] {
  let open: string | null = null
  for (const letter of text)
    if (letter === open) open = null
    else if (open === null && (letter === '"' || letter === "'")) open = letter
  if (open !== null)
    throw fault('run', `a quote (${open}) is not closed; quotes hold words together and cannot be escaped.`)
  const argv = parseArgsStringToArgv(text)
  const shell = argv.find(word => shellWords.has(word))
  if (shell !== undefined)
    throw fault(
      'run',
      `"${shell}" has no meaning here, as no shell is used. Put it into a script, or give a list of words.`,
    )
  return argv
}

/** A name for a trigger that has none: of what it waits for. */
function unusedId({ type, status, topic }: Match, taken: ReadonlyMap<string, number>): string {
  const parts = [type, status, topic].flatMap(part => part ?? [])
  const name = parts
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48)
  const base = name || 'trigger'
  for (let count = 1; ; count++) {
    const id = count === 1 ? base : `${base}-${count}`
    if (!taken.has(id)) return id
  }
}

function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}

class Source {
  readonly #document: Document
  readonly #lines: LineCounter

  constructor(document: Document, lines: LineCounter) {
    this.#document = document
    this.#lines = lines
  }

  /** Line of what stands at a path, or of a key of it; of what is around it when there is nothing. */
  line(path: readonly string[], key?: string): number {
    for (let length = path.length; length >= 0; length--) {
      const at = path.slice(0, length).map(part => (/^\d+$/.test(part) ? Number(part) : part))
      const node: unknown = length === 0 ? this.#document.contents : this.#document.getIn(at, true)
      if (!isNode(node) || !node.range) continue
      const pair = isMap(node) ? node.items.find(each => isScalar(each.key) && each.key.value === key) : undefined
      return this.lineOf(isScalar(pair?.key) && pair.key.range ? pair.key : node)
    }
    return 1
  }

  lineOf({ range }: Node): number {
    return range ? this.#lines.linePos(range[0]).line : 1
  }
}

function invalid(line: number, reason: string): OpenPactError {
  return new OpenPactError('TRIGGERS_FILE_INVALID', { line, reason })
}

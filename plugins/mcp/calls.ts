/** `tools/call`: a tool's operation, or one that is named, run with the rights of the session's token. */
import { OpenPactError } from '../../kernel/index.ts'
import { permits } from '../access/permits.ts'
import { coded } from '../operations/coded.ts'
import { httpShape } from '../operations/http-shape.ts'
import { didYouMean } from '../operations/near-names.ts'
import type { Operation } from '../operations/operation.ts'
import { evidenceOf, refusalOf, toolResult } from './evidence.ts'
import { findOperations } from './finding.ts'
import { aliasOf, type Parts, pactMeant } from './parts.ts'
import type { Session } from './session.ts'
import { CALL, FIND, findAndCall, pactArgument, type Tool, type ToolDefinition } from './tools.ts'

export interface ToolCall {
  name: string
  arguments: Record<string, unknown>
  /** Of the request: an agent that repeats a call gives the same one, and nothing is written twice. */
  idempotencyKey: string | undefined
  signal: AbortSignal
}

export class Calls {
  readonly #session: Session
  readonly #parts: Parts
  readonly #tools: readonly Tool[]

  constructor(session: Session, parts: Parts, tools: readonly Tool[]) {
    this.#session = session
    this.#parts = parts
    this.#tools = tools
  }

  /** The tools that are listed, as far as the session's token may use them. */
  definitions(): ToolDefinition[] {
    const { unlisted } = this.#parts
    const permitted = this.#tools.filter(({ operation }) => this.#permits(operation) && !unlisted.has(operation.name))
    return [...permitted.map(({ definition }) => definition), ...findAndCall]
  }

  /** Every failure of an operation is a result that the model can read. @throws OpenPactError MCP_TOOL_UNKNOWN */
  async call(call: ToolCall) {
    const tool = this.#tools.find(({ definition }) => definition.name === call.name)
    if (!tool && call.name !== FIND && call.name !== CALL) throw this.#unknown(call.name)
    try {
      if (tool) return await this.#run(tool.operation, call.arguments, call)
      return await (call.name === FIND ? this.#find(call.arguments) : this.#callNamed(call))
    } catch (error) {
      return toolResult(refusalOf(coded(error, call.signal)))
    }
  }

  #run(operation: Operation, given: Record<string, unknown>, call: ToolCall) {
    const input = { ...given }
    const argument = pactArgument(operation)
    if (!argument) return this.#invoke(operation, input, undefined, call)
    const pact = textOf(argument, input[argument]) ?? pactMeant(this.#session, this.#parts)
    delete input[argument]
    return this.#invoke(operation, input, pact, call)
  }

  async #invoke(operation: Operation, input: Record<string, unknown>, pact: string | undefined, call: ToolCall) {
    const { caller } = this.#session
    const { idempotencyKey, signal } = call
    checkPath(operation, input)
    const answer = await this.#parts.operations.invoke(operation.name, input, { caller, pact, signal, idempotencyKey })
    return toolResult(evidenceOf(answer, pact === undefined ? null : aliasOf(this.#parts.kernel, pact)))
  }

  #find(given: Record<string, unknown>) {
    const query = textOf('query', given.query) ?? ''
    const permitted = this.#parts.operations.list().filter(operation => this.#permits(operation))
    return toolResult(evidenceOf({ output: findOperations(permitted, query), pending: false }, null))
  }

  async #callNamed(call: ToolCall) {
    const { name, input = {}, pact } = call.arguments
    const wanted = textOf('name', name)
    if (wanted === undefined) throw invalid('"name" is missing; it should be the name of an operation.')
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      throw invalid('"input" should be an object.')
    const { operations } = this.#parts
    const operation = operations.list().find(each => each.name === wanted)
    if (!operation) {
      const names = operations.list().map(each => each.name)
      throw new OpenPactError('OPERATION_UNKNOWN', { name: wanted.slice(0, 64), near: didYouMean(wanted, names) })
    }
    const named = textOf('pact', pact)
    const meant = operation.scope === 'daemon' ? undefined : (named ?? pactMeant(this.#session, this.#parts))
    return this.#invoke(operation, { ...input }, meant, call)
  }

  /** On any pact: which ones a token is limited to is judged with each call. */
  #permits(operation: Operation): boolean {
    return permits(this.#session.caller, operation)
  }

  #unknown(name: string): OpenPactError {
    const near = didYouMean(
      name,
      this.definitions().map(each => each.name),
    )
    return new OpenPactError('MCP_TOOL_UNKNOWN', { name: name.slice(0, 64), near })
  }
}

/** What stands in the path over HTTP is refused here for the same reason. @throws OpenPactError INVALID_INPUT */
function checkPath(operation: Operation, input: Record<string, unknown>): void {
  for (const name of httpShape(operation).params) {
    const value = input[name]
    if (typeof value === 'string' && /\p{Cc}/u.test(value)) throw invalid(`"${name}" holds a control character.`)
  }
}

/** @throws OpenPactError INVALID_INPUT */
function textOf(field: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw invalid(`"${field}" should be text.`)
}

function invalid(reason: string): OpenPactError {
  return new OpenPactError('INVALID_INPUT', { reason })
}

/** What an operation gets beside its input, for one run of it. */
import { type Kernel, OpenPactError, type Pact, type ServiceRef } from '../../kernel/index.ts'
import type { Access } from '../access/service.ts'
import { whileValid } from '../access/valid.ts'
import type { ReadModel } from '../read-model/service.ts'
import { appender, confirmation } from './append.ts'
import type { Call, Caller } from './operation.ts'
import type { Answer, Invocation } from './service.ts'

/** Stands for callers without a token on `open` operations. */
const nobody: Caller = Object.freeze({ agent: '', pacts: [], operations: [], access: 'read' })

const neverAborted = new AbortController().signal

/**
 * A class and not a literal: V8 gives every literal with a getter a shape of its own, which keeps the getter, and by it the whole
 * request with its answer, in memory until a full collection.
 */
export class RunningCall implements Call {
  readonly caller: Caller
  readonly kernel: Kernel
  readonly answer: Answer = { output: undefined, pending: false }
  readonly #operation: string
  readonly #pact: Pact | null
  readonly #readModel: ReadModel
  readonly #invocation: Invocation
  readonly #access: Access
  readonly #allowSecret: boolean
  #valid: ReturnType<typeof whileValid> | undefined
  #append: Call['append'] | undefined

  constructor(
    operation: string,
    pact: Pact | null,
    invocation: Invocation,
    { kernel, readModel, access }: { kernel: Kernel; readModel: ReadModel; access: Access },
    allowSecret: boolean,
  ) {
    this.#allowSecret = allowSecret
    this.#operation = operation
    this.#pact = pact
    this.#invocation = invocation
    this.#readModel = readModel
    this.#access = access
    this.kernel = kernel
    this.caller = invocation.caller ?? nobody
  }

  get pact(): Pact {
    if (this.#pact) return this.#pact
    throw new Error(`operation ${this.#operation} is of scope daemon and has no pact`)
  }

  /** Made when first asked for: most calls wait for nothing. */
  get signal(): AbortSignal {
    this.#valid ??= whileValid(this.#access, this.caller, this.#invocation.signal ?? neverAborted)
    return this.#valid.signal
  }

  /** The operation has ended: nothing waits for the end of its caller any more. */
  release(): void {
    this.#valid?.release()
  }

  // Functions of the object, as operations take `{ pact, use, append }` apart.
  readonly use = <T>(ref: ServiceRef<T>): T => this.kernel.use(ref)

  readonly append: Call['append'] = async (draft, options) => {
    const { caller, idempotencyKey } = this.#invocation
    if (!caller) throw new OpenPactError('UNAUTHENTICATED')
    this.#append ??= appender({
      pact: this.pact,
      agent: caller.agent,
      kernel: this.kernel,
      readModel: this.#readModel,
      signal: () => this.signal,
      idempotencyKey,
      allowSecret: this.#allowSecret,
      cause: caller.cause,
    })
    return this.#append(draft, options)
  }

  readonly confirmation = (id: string, timeout?: number): Promise<boolean> =>
    confirmation(this.pact, this.#readModel, id, { timeout, signal: this.signal })

  readonly pending = (): void => {
    this.answer.pending = true
  }
}

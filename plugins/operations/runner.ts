/** Runs one operation for any surface: authorise, resolve the pact, check the input, run, code the errors. */
import { isDiskFull, type Kernel, type Logger, OpenPactError, type Pact } from '../../kernel/index.ts'
import { authorise } from '../access/permits.ts'
import type { Access } from '../access/service.ts'
import type { ReadModel } from '../read-model/service.ts'
import { coded } from './coded.ts'
import { checkKey, fingerprint, IdempotencyKeys } from './idempotency.ts'
import { type Caller, type Operation, takeOverride } from './operation.ts'
import type { Registered, Registry } from './registry.ts'
import { RunningCall } from './running-call.ts'
import type { Answer, Invocation, Observer, Operations } from './service.ts'

export interface RunnerParts {
  registry: Registry
  kernel: Kernel
  readModel: ReadModel
  access: Access
  log: Logger
  /** Check answers against the declared output: for tests and plugin authors. */
  checkOutput: boolean
}

export class OperationRunner implements Operations {
  readonly #parts: RunnerParts
  readonly #keys = new IdempotencyKeys()
  readonly #observers = new Set<Observer>()

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  list(): readonly Operation[] {
    return this.#parts.registry.list
  }

  owner(name: string): string | undefined {
    return this.#parts.registry.owner(name)
  }

  observe(fn: Observer): () => void {
    this.#observers.add(fn)
    return () => this.#observers.delete(fn)
  }

  async invoke(name: string, input: unknown, invocation: Invocation): Promise<Answer> {
    const started = performance.now()
    try {
      const registered = this.#parts.registry.get(name)
      const answer = await this.#invoke(registered, input, invocation)
      for (const fn of this.#observers) fn(name, performance.now() - started, null)
      return answer
    } catch (error) {
      const answered = await this.#coded(error, invocation.signal)
      if (this.owner(name)) for (const fn of this.#observers) fn(name, performance.now() - started, answered)
      if (answered.kind === 'internal') {
        this.#parts.log.error(`operation ${name} failed`, { code: answered.code, cause: answered.cause ?? answered })
      }
      throw answered
    }
  }

  async #coded(error: unknown, signal?: AbortSignal): Promise<OpenPactError> {
    const answered = coded(error, signal)
    if (answered.kind !== 'internal') return answered
    // On a full disk the system's own errors may say something else: a folder that cannot be made is ENOENT.
    const full = await isDiskFull(this.#parts.kernel.dataDir, error)
    return full ? new OpenPactError('DISK_FULL', {}, { cause: error }) : answered
  }

  async #invoke(registered: Registered, input: unknown, invocation: Invocation): Promise<Answer> {
    const { operation } = registered
    const { caller, idempotencyKey: key } = invocation
    authorise(caller, operation)
    const pact = operation.scope === 'daemon' ? null : this.#pact(caller, operation, invocation.pact)
    const checked = registered.checkInput(input, invocation.text === true)
    const allowSecret = takeOverride(checked)
    const writes = operation.access === 'write' || operation.access === 'admin'
    if (key === undefined || !writes || !caller) return this.#run(registered, checked, pact, invocation, allowSecret)
    checkKey(key)
    // Taken before the run: an operation may change its input.
    const print = fingerprint(operation.name, checked)
    return this.#keys.once(`${caller.agent}\n${pact?.id ?? ''}`, key, print, () =>
      this.#run(registered, checked, pact, invocation, allowSecret),
    )
  }

  async #run(
    registered: Registered,
    input: object,
    pact: Pact | null,
    invocation: Invocation,
    allowSecret: boolean,
  ): Promise<Answer> {
    const call = new RunningCall(registered.operation.name, pact, invocation, this.#parts, allowSecret)
    const { answer } = call
    try {
      answer.output = await registered.operation.run(input as never, call)
    } finally {
      call.release()
    }
    if (this.#parts.checkOutput) registered.checkOutput(answer.output)
    return answer
  }

  /** @throws OpenPactError INVALID_INPUT, OUT_OF_SCOPE, PACT_UNKNOWN with near names */
  #pact(caller: Caller | null, operation: Operation, wanted: string | undefined): Pact {
    const { pacts } = this.#parts.kernel
    if (!wanted) throw new OpenPactError('INVALID_INPUT', { reason: 'no pact is named.' })
    const pact = pacts.find(wanted)
    // A limited caller gets the same answer for a foreign pact and for none: it learns of no pact beyond its own.
    if (!pact && !caller?.pacts) return pacts.get(wanted.slice(0, 64))
    authorise(caller, operation, pact?.id ?? wanted)
    if (!pact) throw new OpenPactError('PACT_UNKNOWN', { pact: wanted.slice(0, 64), near: '' })
    return pact
  }
}

/** A disposal scope: what a plugin registered, undone in reverse when it goes. */
import { reasonOf, withLimit } from './limit.ts'

export interface UndoFailure {
  /** What was to be undone. */
  name: string
  reason: string
}

export class Scope {
  readonly #undo: { name: string; fn: () => unknown }[] = []
  readonly #abort = new AbortController()
  readonly #limit: number
  readonly #failures: UndoFailure[] = []
  #disposal: Promise<UndoFailure[]> | null = null

  /** @param limit ms that each undo may take */
  constructor(limit = 5000) {
    this.#limit = limit
  }

  /** Aborted when disposal begins. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get disposed(): boolean {
    return this.#disposal !== null
  }

  /**
   * Remembers `fn` for disposal. On a disposed scope it runs at once: what a plugin registers after its time ran out
   * would otherwise stay for ever.
   */
  add(name: string, fn: () => unknown): void {
    if (this.#disposal) this.#disposal = this.#disposal.then(() => this.#run(name, fn))
    else this.#undo.push({ name, fn })
  }

  /** Undoes everything in reverse. Failures are named, and the rest is undone all the same. */
  dispose(): Promise<UndoFailure[]> {
    this.#disposal ??= this.#unwind()
    return this.#disposal
  }

  async #unwind(): Promise<UndoFailure[]> {
    this.#abort.abort()
    for (let last = this.#undo.pop(); last; last = this.#undo.pop()) await this.#run(last.name, last.fn)
    return this.#failures
  }

  async #run(name: string, fn: () => unknown): Promise<UndoFailure[]> {
    try {
      await withLimit(this.#limit, () => new Error(`not finished within ${this.#limit} ms`), fn)
    } catch (error) {
      this.#failures.push({ name, reason: reasonOf(error) })
    }
    return this.#failures
  }
}

/**
 * The one route from the kernel to plugins: a thin wrapper around tapable for the points of kernel/hooks.ts.
 * It adds what tapable lacks: owners, undo, named and isolated failures, times, a freeze; and it lets a tap be
 * synchronous or not without losing a promise.
 */
import { AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook } from 'tapable'
import { isOpenPactError, OpenPactError } from '../errors.ts'
import { type HookKind, type HookMap, type HookName, hookKinds } from '../hooks.ts'
import type { Logger } from '../plugin.ts'
import { reasonOf } from './limit.ts'
import { near } from './near.ts'

export interface TapOptions {
  order?: 'pre' | 'post'
}

/** A failure of one tap of a series. */
export interface TapFailure {
  owner: string
  error: Error
}

interface Tap {
  readonly owner: string
  readonly fn: (first: unknown, second: unknown) => unknown
  /** Order bucket as tapable's stage. Its `before` is not offered: mistyped, it silently moves a tap to the front. */
  readonly stage: -1 | 0 | 1
  /** A tap that was undone while its hook is running is skipped. */
  live: boolean
  calls: number
  ms: number
}

type Failures = TapFailure[]
type Compiled = (first: unknown, second: unknown, failures: Failures) => Promise<unknown>

interface Point {
  readonly name: HookName
  readonly kind: HookKind
  taps: Tap[]
  /** Taps by owner, for `callOwner`. */
  readonly owned: Map<string, Tap[]>
  /** Tapable has no untap: the hook is built again after a change. */
  compiled: Compiled | null
}

// Every hook has the same three arguments for tapable: the two that taps get, and where a series collects failures.
const hookArguments = ['first', 'second', 'failures'] as const
type HookArguments = [unknown, unknown, Failures]

export class Hooks {
  readonly #points = new Map<string, Point>()
  readonly #log: Logger
  #frozen = false

  constructor(log: Logger) {
    this.#log = log
    for (const [name, kind] of Object.entries(hookKinds) as [HookName, HookKind][]) {
      this.#points.set(name, { name, kind, taps: [], owned: new Map(), compiled: null })
    }
  }

  /**
   * Taps a hook in the name of a plugin and answers the undo. Within a bucket, taps run in the order they were made.
   * @throws OpenPactError HOOK_UNKNOWN, HOOKS_FROZEN
   */
  tap<N extends HookName>(owner: string, hook: N, fn: HookMap[N], options: TapOptions = {}): () => void {
    const point = this.#point(hook)
    if (this.#frozen) throw new OpenPactError('HOOKS_FROZEN', { hook })
    const stage = options.order === 'pre' ? -1 : options.order === 'post' ? 1 : 0
    const tap: Tap = { owner, fn: fn as Tap['fn'], stage, live: true, calls: 0, ms: 0 }
    this.#set(point, [...point.taps, tap])
    return () => {
      if (!tap.live) return
      tap.live = false
      this.#set(
        point,
        point.taps.filter(t => t !== tap),
      )
    }
  }

  /** Whether anything taps the hook: ask before preparing costly arguments. */
  used(hook: HookName): boolean {
    return this.#point(hook).taps.length > 0
  }

  /**
   * Calls a hook. A coded error of a tap passes as it is; any other becomes PLUGIN_FAILED with the hook as stage.
   * waterfall, bail: the first failure ends it. series: every tap is called, then the first failure is thrown; all are logged.
   * observe: failures are logged only.
   */
  async call<N extends HookName>(hook: N, ...args: Parameters<HookMap[N]>): Promise<Awaited<ReturnType<HookMap[N]>>> {
    const failures: Failures = []
    const answer = await this.#run(this.#point(hook), args, failures)
    if (failures[0]) throw failures[0].error
    return answer as Awaited<ReturnType<HookMap[N]>>
  }

  /** Calls a series hook and answers its failures with their owners, instead of throwing the first. */
  async settle<N extends HookName>(hook: N, ...args: Parameters<HookMap[N]>): Promise<TapFailure[]> {
    const failures: Failures = []
    await this.#run(this.#point(hook), args, failures)
    return failures
  }

  /**
   * Calls only the taps of one owner. Synchronous where the tap is, and errors pass unchanged: consensus judges them.
   */
  callOwner<N extends HookName>(
    hook: N,
    owner: string,
    ...args: Parameters<HookMap[N]>
  ): ReturnType<HookMap[N]> | undefined {
    const point = this.#point(hook)
    const taps = point.owned.get(owner)
    if (!taps) return undefined
    const [first, second] = args as unknown[]
    const answer = taps.length === 1 ? timed(taps[0]!, first, second) : inTurn(taps, point.kind, first, second)
    return answer as ReturnType<HookMap[N]> | undefined
  }

  /** From now on nothing can be tapped; taps can still be undone. */
  freeze(): void {
    this.#frozen = true
  }

  /** What every owner's taps cost so far. */
  list(): { hook: HookName; owner: string; calls: number; ms: number }[] {
    return [...this.#points.values()].flatMap(point =>
      [...point.owned].map(([owner, taps]) => ({
        hook: point.name,
        owner,
        calls: taps.reduce((sum, tap) => sum + tap.calls, 0),
        ms: taps.reduce((sum, tap) => sum + tap.ms, 0),
      })),
    )
  }

  #point(hook: string): Point {
    const point = this.#points.get(hook)
    if (point) return point
    throw new OpenPactError(
      'HOOK_UNKNOWN',
      { hook, near: near(hook, this.#points.keys()) },
      { message: 'There is no hook "{hook}".{near}' },
    )
  }

  #set(point: Point, taps: Tap[]): void {
    point.taps = taps
    point.compiled = null
    point.owned.clear()
    for (const tap of taps) point.owned.set(tap.owner, [...(point.owned.get(tap.owner) ?? []), tap])
  }

  #run(point: Point, args: unknown[], failures: Failures): Promise<unknown> | unknown {
    if (point.taps.length === 0) return point.kind === 'waterfall' ? args[0] : undefined
    point.compiled ??= this.#compile(point)
    return point.compiled(args[0], args[1], failures)
  }

  #compile(point: Point): Compiled {
    const hook =
      point.kind === 'waterfall'
        ? new AsyncSeriesWaterfallHook<HookArguments>([...hookArguments])
        : point.kind === 'bail'
          ? new AsyncSeriesBailHook<HookArguments, unknown>([...hookArguments])
          : new AsyncSeriesHook<HookArguments>([...hookArguments])
    for (const tap of point.taps) {
      // `tapAsync` and not `tap` (which does not await) nor `tapPromise` (which refuses a synchronous function).
      hook.tapAsync({ name: tap.owner, stage: tap.stage }, (first, second, failures, done) => {
        if (!tap.live) return done()
        const failed = (thrown: unknown) => this.#failed(point, tap, thrown, failures, done)
        let answer: unknown
        try {
          answer = timed(tap, first, second)
        } catch (error) {
          return failed(error)
        }
        if (isThenable(answer)) answer.then(value => done(null, value as undefined), failed)
        else done(null, answer as undefined)
      })
    }
    return (first, second, failures) => hook.promise(first, second, failures)
  }

  #failed(point: Point, tap: Tap, thrown: unknown, failures: Failures, done: (error?: Error | null) => void): void {
    const { owner } = tap
    const details = { plugin: owner, stage: point.name, reason: reasonOf(thrown) }
    const error = isOpenPactError(thrown) ? thrown : new OpenPactError('PLUGIN_FAILED', details, { cause: thrown })
    if (point.kind === 'waterfall' || point.kind === 'bail') {
      done(error)
      return
    }
    // Of a series only the first failure is thrown; the others would be lost without a word.
    this.#log.error('a tap failed', { plugin: owner, hook: point.name, error })
    if (point.kind === 'series') failures.push({ owner, error })
    done()
  }
}

/** Runs one tap and counts its time. `null` becomes undefined: tapable takes null for an answer. */
function timed(tap: Tap, first: unknown, second: unknown): unknown {
  tap.calls += 1
  const started = performance.now()
  const stop = () => {
    tap.ms += performance.now() - started
  }
  let answer: unknown
  try {
    answer = tap.fn(first, second)
  } catch (error) {
    stop()
    throw error
  }
  if (isThenable(answer)) return settled(answer, stop)
  stop()
  return answer ?? undefined
}

async function settled(answer: PromiseLike<unknown>, stop: () => void): Promise<unknown> {
  try {
    return (await answer) ?? undefined
  } finally {
    stop()
  }
}

async function inTurn(taps: Tap[], kind: HookKind, first: unknown, second: unknown): Promise<unknown> {
  for (const tap of taps) {
    const answer = await timed(tap, first, second)
    if (kind === 'bail' && answer !== undefined) return answer
  }
  return undefined
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function'
}

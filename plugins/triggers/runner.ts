/**
 * Starts what waits, one look per trigger at a time, and supervises it. What is decided is written down before it is done: whatever
 * ends the daemon, a run that had begun begins again under its key, after what is left of it was ended.
 */
import { join } from 'node:path'
import { type ErrorKind, isOpenPactError, type Kernel, type Logger } from '../../kernel/index.ts'
import type { Access } from '../access/service.ts'
import type { Matcher, Occurrence } from '../events/service.ts'
import type { Caller } from '../operations/operation.ts'
import type { ReadModel } from '../read-model/service.ts'
import type { Claiming, Claims } from './claims.ts'
import type { Trigger } from './definition.ts'
import { faultOf, gateOf } from './gate.ts'
import type { KnownTriggers } from './known.ts'
import { environmentOf, marksOf, payloadOf, RunFolder, removeRunFolder } from './payload.ts'
import { endMarked, endOrphan } from './processes.ts'
import { logName, type Run, type Runs } from './runs.ts'
import { type Ended, supervise } from './supervise.ts'
import { IMPORTED, isImported, type Judging, stopReason, trustOf } from './trust.ts'

export interface RunnerParts {
  kernel: Kernel
  log: Logger
  runs: Runs
  known: KnownTriggers
  claims: Claims
  access: Access
  matcher: Matcher
  model: ReadModel
  judging: Judging
  /** The trigger with an id, as the file has it now. */
  trigger(id: string): Trigger | undefined
  /** The local door's URL. */
  url(): string
  /** Folder of the logs of runs. */
  logs: string
  /** ms between TERM and KILL. */
  grace: number
}

/** Kinds of errors that pass by themselves. */
const passing: readonly ErrorKind[] = ['unavailable', 'timeout', 'limited']
/** So often a run begins that ends with its daemon. */
const MOST_ATTEMPTS = 5
const RETRY_MS = 5000
const UNREADABLE_MS = 60_000
const RELEASE_MS = 2000
/** A token outlives its run by so much at most. */
const MARGIN_MS = 30_000
const LONGEST_TIMER = 2 ** 31 - 1

export class Runner {
  readonly #parts: RunnerParts
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #running = new Map<number, Promise<void>>()
  /** Runs under way per trigger. */
  readonly #slots = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  /** Ends what an earlier daemon left running; those runs begin again. */
  async recover(): Promise<void> {
    const { kernel, runs, log, grace } = this.#parts
    for (const run of runs.left()) {
      const group = run.pid !== null && run.born && (await endOrphan(run.pid, run.born, grace))
      // It may have been killed before it noted the pid.
      const others = await endMarked(marksOf(run, kernel.dataDir), grace)
      if (group || others > 0)
        log.warn('What a stopped daemon left running was ended.', { trigger: run.trigger, run: run.key, pid: run.pid })
      removeRunFolder(this.#folder, run.key)
      const times = runs.interruptions(run)
      if (times < MOST_ATTEMPTS) runs.again(run, 'its daemon ended during it')
      else runs.end(run, 'failed', `its daemon ended during it ${times} times`, { code: null, signal: null })
    }
  }

  /** There may be something to start. */
  kick(id: string): void {
    if (this.#closing.signal.aborted) return
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    const trigger = this.#parts.trigger(id)
    if (trigger) while (this.#startNext(trigger)) {}
  }

  /** Ends all runs; they begin again at the next start. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const timer of this.#timers.values()) clearTimeout(timer)
    await Promise.all(this.#running.values())
  }

  get #folder(): string {
    return join(this.#parts.kernel.dataDir, 'run', 'triggers')
  }

  /** Starts one run and answers true, or sees to it that it is looked again. */
  #startNext(trigger: Trigger): boolean {
    const { runs, known } = this.#parts
    const { id, limits, approve } = trigger
    const now = Date.now()
    if ((this.#slots.get(id) ?? 0) >= limits.concurrency) return false
    const gate = gateOf(trigger, known.get(id), known.allPaused, known.approval(id), runs, now)
    if (gate && gate.opens !== null) this.#later(id, gate.opens)
    if (gate && !gate.byHand) return false
    const run = runs.next(id, now, gate ? 'forced' : approve === 'always' ? 'approved' : 'any')
    if (!run) {
      const due = runs.nextDue(id)
      if (!gate && due !== null && due > now) this.#later(id, due)
      return false
    }
    runs.begin(run, now)
    this.#slots.set(id, (this.#slots.get(id) ?? 0) + 1)
    const work = this.#attempt(trigger, { ...run, started: now }).finally(() => {
      this.#running.delete(run.no)
      this.#slots.set(id, (this.#slots.get(id) ?? 1) - 1)
      this.kick(id)
    })
    this.#running.set(run.no, work)
    return true
  }

  async #attempt(trigger: Trigger, run: Run): Promise<void> {
    const { runs, known, log } = this.#parts
    try {
      await this.#perform(trigger, run)
    } catch (error) {
      if (this.#closing.signal.aborted) return runs.putBack(run, 0, 'the daemon stopped before it began')
      log.warn('A run could not begin.', { trigger: run.trigger, run: run.key, error })
      const reason = isOpenPactError(error) ? error.message : 'it could not begin; see `openpact logs`'
      if (isOpenPactError(error) && passing.includes(error.kind))
        return runs.putBack(run, Date.now() + RETRY_MS, reason)
      runs.end(run, 'failed', reason)
      known.failed(trigger.id, Date.now())
    }
  }

  async #perform(trigger: Trigger, run: Run): Promise<void> {
    const { kernel, runs, known, matcher, model, claims, access } = this.#parts
    const pact = kernel.pacts.find(run.pact)
    if (!pact && kernel.pacts.failed.has(run.pact))
      return runs.putBack(run, Date.now() + UNREADABLE_MS, 'its pact could not be opened')
    if (!pact) return runs.end(run, 'withdrawn', 'its pact is not on this machine')
    await matcher.people(pact)
    const occurrence = this.#occurrence(run)
    const { partial, reach } = model.progress(pact)
    const position = occurrence?.entry?.position
    // Of what is being indexed anew nothing is known for a while, or not yet who wrote it.
    if (position === undefined ? partial : position >= reach)
      return runs.putBack(run, Date.now() + RETRY_MS, 'the index is being rebuilt')
    if (!occurrence?.entry) return runs.end(run, 'withdrawn', 'its event does not stand any more')
    // The trigger and who is who may have changed since it matched.
    const trust = trustOf(trigger, known.approval(trigger.id))
    const fits = matcher.compile(trigger.match).test(occurrence)
    const imported = !trust.origins.includes(IMPORTED) && (await isImported(pact, occurrence.entry))
    const stop = imported
      ? 'it was carried over from a log that ended'
      : fits
        ? stopReason(occurrence, trigger, trust, this.#parts.judging)
        : 'the trigger does not match it any more'
    if (stop !== null) {
      known.stopped(trigger.id, run.entry, stop)
      return runs.end(run, 'refused', stop)
    }

    const agent = trigger.agent ?? kernel.identity.defaultAgent.name
    const cause = {
      entry: occurrence.entry.id,
      hops: Math.max(occurrence.entry.hops ?? 0, occurrence.about?.hops ?? 0) + 1,
      run: run.key,
    }
    const caller: Caller = { agent, pacts: [pact.id], operations: null, access: 'write', cause }
    let { timeout } = trigger.limits
    let claim: Claiming | null = null
    if (trigger.once) {
      claim = this.#claiming(trigger, run, caller)
      if (!claim) return runs.end(run, 'refused', 'it is about no task')
      const won = await claims.claim(claim)
      if (won.outcome === 'over') return runs.end(run, 'skipped', won.reason)
      if (won.outcome === 'waits') {
        runs.claiming(run.no, false)
        return runs.putBack(run, won.again, won.reason)
      }
      // It may have taken long: what was decided meanwhile holds.
      const held = this.#heldBack(trigger, run)
      if (held !== null) {
        if (await this.#release(claims, claim, held)) runs.claiming(run.no, false)
        return runs.putBack(run, 0, held)
      }
      // A run never outlives the claim under which it works.
      if (won.until !== null) timeout = Math.max(1000, Math.min(timeout, won.until - Date.now() - this.#parts.grace))
    }
    const { token, info } = await access.issue({
      agent,
      pacts: [pact.id],
      access: 'write',
      lifetime: timeout + this.#parts.grace + MARGIN_MS,
      cause,
    })
    const started = Date.now()
    let ended: Ended
    try {
      ended = await this.#program(trigger, run, occurrence, { token, agent, timeout })
    } finally {
      await access.revoke(info.id)
    }
    await this.#ended(trigger, run, ended, Date.now() - started, claim)
  }

  async #program(
    trigger: Trigger,
    run: Run,
    occurrence: Occurrence,
    { token, agent, timeout }: { token: string; agent: string; timeout: number },
  ): Promise<Ended> {
    const { kernel, runs, url, logs, grace } = this.#parts
    const folder = new RunFolder(this.#folder, run.key)
    try {
      const payload = payloadOf(occurrence, run)
      if (trigger.payload === 'file') folder.write(payload)
      const file = trigger.payload === 'file' ? folder.eventFile : null
      // Right before it is started, as a claim may have taken long.
      const fault = faultOf(trigger)
      if (fault !== null) return { how: 'not-started', code: null, signal: null, error: fault }
      return await supervise({
        executable: trigger.executable!,
        argv: trigger.argv,
        cwd: trigger.cwd ?? folder.path,
        env: environmentOf(trigger, run, { url: url(), token, agent, dataDir: kernel.dataDir }, file),
        marks: marksOf(run, kernel.dataDir),
        input: trigger.payload === 'stdin' ? payload : null,
        logFile: join(logs, logName(run)),
        timeout,
        grace,
        signal: this.#closing.signal,
        onstart: (pid, born) => runs.began(run.no, pid, born),
      })
    } finally {
      folder.close()
    }
  }

  async #ended(trigger: Trigger, run: Run, ended: Ended, ms: number, claim: Claiming | null): Promise<void> {
    const { runs, known, log, claims } = this.#parts
    const { how, code, signal } = ended
    const words = outcomeWords(ended)
    log.info('A run of a trigger ended.', {
      trigger: run.trigger,
      run: run.key,
      entry: run.entry,
      how,
      code,
      signal,
      ms,
    })
    // What it did not complete is free for others, this machine's next start included.
    const freed = claim && (await this.#release(claims, claim, words))
    if (freed) runs.claiming(run.no, false)
    if (how === 'stopped') return runs.again(run, 'the daemon stopped during it', { code, signal })
    const worked = how === 'ended' && code === 0
    runs.end(
      run,
      worked ? 'succeeded' : 'failed',
      freed ? `${words}; its task was given back` : worked ? null : words,
      { code, signal },
    )
    if (worked) return known.succeeded(trigger.id)
    const open = known.failed(trigger.id, Date.now())
    if (open > 0) log.warn('A trigger is held back, as its runs fail.', { trigger: trigger.id, seconds: open / 1000 })
  }

  async #release(claims: Claims, claim: Claiming, words: string): Promise<boolean> {
    try {
      return await claims.release(
        { ...claim, signal: AbortSignal.timeout(RELEASE_MS) },
        `The run of a trigger did not complete it: ${words}`,
      )
    } catch (error) {
      this.#parts.log.warn('A task could not be given back; its lease will end.', { task: claim.task, error })
      return false
    }
  }

  #claiming({ limits, agent }: Trigger, run: Run, caller: Caller): Claiming | null {
    const { kernel, runs, grace } = this.#parts
    if (run.task === null) return null
    const { handle } = agent === null ? kernel.identity.defaultAgent : kernel.identity.agent(agent)!
    return {
      caller,
      handle,
      pact: run.pact,
      task: run.task,
      lease: limits.timeout + grace + MARGIN_MS,
      begun: run.claiming === 1,
      signal: this.#closing.signal,
      onbegin: () => runs.claiming(run.no, true),
    }
  }

  /** What speaks against a start that did not when the run began. */
  #heldBack({ id, hash }: Trigger, { forced }: Run): string | null {
    const { trigger, known } = this.#parts
    if (trigger(id)?.hash !== hash) return 'its trigger has changed'
    return known.allPaused || (known.get(id).paused && forced === 0) ? 'its trigger is paused' : null
  }

  #occurrence({ pact, entry, kind, subject_id }: Run): Occurrence | undefined {
    const found = this.#parts.kernel.pacts.find(pact)
    try {
      const all = found ? this.#parts.matcher.occurrencesOf(found, entry) : []
      return all.find(({ event }) => event.kind === kind && event.subject_id === subject_id)
    } catch {
      return undefined
    }
  }

  #later(id: string, at: number): void {
    clearTimeout(this.#timers.get(id))
    const wait = Math.min(Math.max(at - Date.now(), 10), LONGEST_TIMER)
    this.#timers.set(id, setTimeout(() => this.kick(id), wait).unref())
  }
}

function outcomeWords({ how, code, signal, error }: Ended): string {
  if (how === 'not-started') return `it could not be started: ${error}`
  if (how === 'timeout') return 'its time was over'
  if (how === 'stopped') return 'its daemon stopped'
  return signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`
}

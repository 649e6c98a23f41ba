/** All triggers of this machine: the file they come from, the matches that are noted, the runner that starts them. */
import { join } from 'node:path'
import { isOpenPactError, type Kernel, type Logger, OpenPactError, type Pact } from '../../kernel/index.ts'
import type { Consumer, Consumers, Events, Matcher, Occurrence } from '../events/service.ts'
import { didYouMean } from '../operations/near-names.ts'
import { hashOf, sameWords, type Trigger } from './definition.ts'
import { findPlace } from './executable.ts'
import { FileWatch, readTriggersFile } from './file.ts'
import { type Gate, gateOf } from './gate.ts'
import type { KnownTriggers } from './known.ts'
import { Runner, type RunnerParts } from './runner.ts'
import type { Run, Runs } from './runs.ts'
import { IMPORTED, isImported, type Judging, stopReason, trustOf } from './trust.ts'

export interface TriggerParts extends Omit<RunnerParts, 'trigger' | 'judging'> {
  kernel: Kernel
  log: Logger
  events: Events
  matcher: Matcher
  consumers: Consumers
  runs: Runs
  known: KnownTriggers
}

/** Key of the match that wakes runs whose task is another's; no id of a trigger can be it. */
const TASKS = ' tasks'

export class Triggers {
  readonly #parts: TriggerParts
  readonly #judging: Judging
  readonly #runner: Runner
  readonly #consumer: Consumer
  #set = new Map<string, Trigger>()
  #fileError: OpenPactError | null = null
  #watch: FileWatch | null = null
  #text: string | null = null
  #starting: Promise<void> = Promise.resolve()
  #reading: Promise<void> = Promise.resolve()
  #closed = false
  readonly #matched = new Set<string>()

  constructor(parts: TriggerParts) {
    this.#parts = parts
    const { kernel, matcher, runs } = parts
    this.#judging = { kernel, matcher, isRunOf: (key, trigger) => runs.byKey(key)?.trigger === trigger }
    this.#runner = new Runner({ ...parts, judging: this.#judging, trigger: id => this.#set.get(id) })
    this.#consumer = parts.consumers.open({
      name: 'triggers',
      handle: (occurrence, keys) => this.#note(occurrence, keys),
      correct: ({ pact, corrects }) => void (corrects && runs.withdraw(pact, corrects)),
      committed: () => {
        for (const id of this.#matched) this.#runner.kick(id)
        this.#matched.clear()
      },
    })
  }

  get file(): string {
    return join(this.#parts.kernel.dataDir, 'triggers.yaml')
  }

  /** Why the file as it is now is not in force, or null. */
  get fileError(): OpenPactError | null {
    return this.#fileError
  }

  /** Ends what was left running, takes up the file, begins to match: `settled` resolves when it has. */
  start(): void {
    this.#starting = this.#begin().catch(error => this.#parts.log.error('Triggers could not be started.', { error }))
  }

  /** Resolves when everything that is in the outbox now was noted. */
  async settled(): Promise<void> {
    await this.#starting
    await this.#consumer.settled()
  }

  async #begin(): Promise<void> {
    await this.#runner.recover()
    if (this.#closed) return
    this.#watch = new FileWatch(this.file, () => this.reload())
    await this.reload()
    this.#consumer.start()
  }

  /** Takes up the file as it is now; a broken one changes nothing. */
  reload(): Promise<void> {
    // One after the other: an older text must not come after a newer one.
    this.#reading = this.#reading.then(() => this.#reload())
    return this.#reading
  }

  async #reload(): Promise<void> {
    const { matcher, kernel, log } = this.#parts
    try {
      const text = await readTriggersFile(this.file)
      const faulty = this.#fileError !== null || this.list().some(({ fault }) => fault !== null)
      if (text === this.#text && !faulty) return
      const place = { matcher, hasAgent: (name: string) => kernel.identity.agent(name) !== null }
      // Loaded when there is such a file: a parser of YAML is much to start with for nothing.
      const triggers = text === null ? [] : (await import('./parse.ts')).parseTriggers(text, place)
      this.#text = text
      this.#fileError = null
      this.#install(triggers)
    } catch (error) {
      const coded = isOpenPactError(error)
        ? error
        : new OpenPactError('TRIGGERS_FILE_UNSAFE', { reason: `${error}` }, { cause: error })
      if (coded.message !== this.#fileError?.message) log.warn('triggers.yaml is not in force.', { error: coded })
      this.#fileError = coded
    }
  }

  #install(read: readonly Trigger[]): void {
    const triggers = read.map(trigger => this.#found(trigger))
    const { matcher, known, events, runs, log } = this.#parts
    const ids = triggers.map(({ id }) => id)
    for (const id of known.keep(ids, events.head())) runs.forget(id)
    for (const id of this.#set.keys()) if (!ids.includes(id)) this.#consumer.delete(id)
    this.#set = new Map(triggers.map(trigger => [trigger.id, trigger]))
    for (const trigger of triggers) this.#follow(trigger)
    const freed = { type: 'task', status: ['released', 'ready', 'complete'] }
    if (!triggers.some(({ once }) => once)) this.#consumer.delete(TASKS)
    else this.#consumer.set(TASKS, matcher.compile(freed), events.head())
    this.kickAll()
    log.info('triggers.yaml is in force.', { triggers: ids })
  }

  /** What was found for a trigger stays until its lines change or `approve` looks again, whatever the file is read again for. */
  #found(read: Trigger): Trigger {
    const before = this.#set.get(read.id)
    return before && before.fault === null && sameWords(before, read) ? before : read
  }

  /** A trigger with what its program and folder lead to now; it is in force when it is approved. @throws OpenPactError TRIGGER_UNKNOWN */
  lookAgain(id: string): Trigger {
    const trigger = this.get(id)
    // A faulty one was looked for when the file was read last.
    if (trigger.fault !== null) return trigger
    const { fault, ...place } = findPlace(trigger.argv[0]!, trigger.folder)
    const { hash: _, fault: __, ...said } = { ...trigger, ...place }
    return { ...said, fault, hash: hashOf(said) }
  }

  #follow(trigger: Trigger): void {
    const { matcher, known } = this.#parts
    const { match, test, explain, needsPeople } = matcher.compile(trigger.match)
    // Trust in a role asks who has it now, as a match for a role does.
    const roles = trustOf(trigger, known.approval(trigger.id)).roles.length > 0
    const asking = { match, test, explain, needsPeople: needsPeople || roles }
    this.#consumer.set(trigger.id, asking, known.get(trigger.id).since)
  }

  kickAll(): void {
    for (const id of this.#set.keys()) this.#runner.kick(id)
  }

  list(): Trigger[] {
    return [...this.#set.values()]
  }

  /** @throws OpenPactError TRIGGER_UNKNOWN */
  get(id: string): Trigger {
    const trigger = this.#set.get(id)
    if (trigger) return trigger
    throw new OpenPactError('TRIGGER_UNKNOWN', { id: id.slice(0, 64), near: didYouMean(id, this.#set.keys()) })
  }

  get runs(): Runs {
    return this.#parts.runs
  }

  get known(): KnownTriggers {
    return this.#parts.known
  }

  get logs(): string {
    return this.#parts.logs
  }

  /** What holds a trigger back, or null. */
  gate(trigger: Trigger): Gate | null {
    const { known, runs } = this.#parts
    return gateOf(trigger, known.get(trigger.id), known.allPaused, known.approval(trigger.id), runs, Date.now())
  }

  /**
   * Binds what was shown, and lets the runs with these keys go on where each has to be approved. `roles` and `authors` are trusted
   * beside those of the file.
   */
  approve(trigger: Trigger, trusted: { roles: string[]; authors: string[] }, keys: readonly string[]): void {
    const { known, runs } = this.#parts
    this.#set.set(trigger.id, trigger)
    runs.transaction(() => {
      known.approve(trigger.id, { hash: trigger.hash, ...trusted, at: Date.now() })
      runs.approve(keys)
    })
    this.#follow(trigger)
    this.#runner.kick(trigger.id)
  }

  /** Of one, or of all when `id` is null. */
  pause(id: string | null, paused: boolean): void {
    this.#parts.known.pause(id, paused)
    if (!paused) this.kickAll()
  }

  /** Starts a trigger for an entry by hand: what it matches and whom it trusts holds; limits and the breaker do not. */
  async run(trigger: Trigger, pact: Pact, entry: string): Promise<Run> {
    const refused = (reason: string) => new OpenPactError('TRIGGER_REFUSED', { id: trigger.id, entry, reason })
    const gate = this.gate(trigger)
    if (gate && !gate.byHand) throw refused(gate.reason)
    const [found] = (await this.test(trigger, pact, entry)).filter(({ matches }) => matches)
    if (!found) throw refused('it does not match')
    if (found.stop !== null) throw refused(found.stop)
    const { runs } = this.#parts
    const { key } = runs.add(trigger.id, found.occurrence, true)!
    this.#runner.kick(trigger.id)
    return runs.byKey(key)!
  }

  /** How everything that an entry brought about fares with a trigger. Starts nothing. @throws OpenPactError ENTRY_UNKNOWN */
  async test(trigger: Trigger, pact: Pact, entry: string) {
    const { matcher, known } = this.#parts
    await matcher.people(pact)
    const compiled = matcher.compile(trigger.match)
    const trust = trustOf(trigger, known.approval(trigger.id))
    const tested = matcher.occurrencesOf(pact, entry).map(async occurrence => {
      const imported =
        occurrence.entry !== null && !trust.origins.includes(IMPORTED) && (await isImported(pact, occurrence.entry))
      const stop = imported
        ? 'it was carried over from a log that ended'
        : stopReason(occurrence, trigger, trust, this.#judging)
      return { occurrence, matches: compiled.test(occurrence), fields: compiled.explain(occurrence), stop }
    })
    return Promise.all(tested)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#starting
    await this.#watch?.close()
    await this.#consumer.close()
    await this.#runner.close()
  }

  /** In the transaction that moves the cursor: what matches is noted with it, or not at all. */
  #note(occurrence: Occurrence, keys: readonly string[]): void {
    const { runs, known } = this.#parts
    for (const key of keys) {
      const trigger = this.#set.get(key)
      if (key === TASKS) {
        for (const id of runs.wake(occurrence.pact.id, occurrence.event.subject_id)) this.#matched.add(id)
      } else if (trigger) {
        const trust = trustOf(trigger, known.approval(key))
        const stop = stopReason(occurrence, trigger, trust, this.#judging)
        if (stop !== null) known.stopped(key, occurrence.entry?.id ?? '', stop)
        else if (runs.add(key, occurrence)) this.#matched.add(key)
        else known.dropped(key)
      }
    }
  }
}

/**
 * One append queue per pact: group commit. What arrives while a batch is being written goes into the next one, so that many callers
 * share the cost of one apply. After a batch of more than one it waits up to `linger` ms for as many as were last in flight;
 * a lone caller is never delayed.
 */

const MAX_ENTRIES = 256
const MAX_BYTES = 1024 * 1024
const LINGER = 5

interface Waiting<Job> {
  jobs: Job[]
  bytes: number
  resolve(): void
  reject(error: unknown): void
}

export class AppendQueue<Job> {
  private waiting: Waiting<Job>[] = []
  private running: Promise<void> | null = null
  private expected = 0
  private readonly write: (jobs: Job[]) => Promise<void>

  /** @param write appends a whole batch; when it rejects, nothing of the batch was written */
  constructor(write: (jobs: Job[]) => Promise<void>) {
    this.write = write
  }

  /** Resolves when the jobs are written, all in one batch. */
  push(jobs: Job[], bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ jobs, bytes, resolve, reject })
      this.running ??= this.run()
    })
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.running
  }

  private async run(): Promise<void> {
    // Let the other requests of this turn of the event loop join the first batch.
    await nextTurn()
    while (this.waiting.length > 0) {
      if (this.expected > 1) await this.linger()
      const batch = this.take()
      this.expected = batch.length + this.waiting.length
      try {
        await this.write(batch.flatMap(w => w.jobs))
        for (const w of batch) w.resolve()
      } catch (error) {
        for (const w of batch) w.reject(error)
      }
      // Callers that were just answered get the chance to come again before the next batch is cut.
      if (this.expected > 1) await nextTurn()
    }
    this.running = null
  }

  private async linger(): Promise<void> {
    const started = performance.now()
    const wanted = Math.min(MAX_ENTRIES, this.expected)
    while (this.waiting.length < wanted && performance.now() - started < LINGER) await nextTurn()
  }

  private take(): Waiting<Job>[] {
    let entries = 0
    let bytes = 0
    let count = 0
    for (const w of this.waiting) {
      entries += w.jobs.length
      bytes += w.bytes
      if (count > 0 && (entries > MAX_ENTRIES || bytes > MAX_BYTES)) break
      count++
    }
    return this.waiting.splice(0, count)
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** A limit on code that blocks the whole process: no timer of its own fires then, so another thread keeps the time. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** How long a configuration file may take to evaluate, ms; a little more than the loader gives it, whose words are better. */
export const configLimit = 12_000

/** Runs in a thread of its own and sees nothing but the text. */
const keeper = `
const { workerData: { text, limit, pid } } = require('node:worker_threads')
setTimeout(() => {
  require('node:fs').writeSync(2, text)
  process.kill(pid, 'SIGKILL')
}, limit)`

/** From now on: after `limit` ms, prints `text` on stderr and kills this process. @returns calls it off */
export async function watchdog(limit: number, text: string): Promise<() => Promise<unknown>> {
  const worker = new Worker(keeper, { eval: true, execArgv: [], workerData: { text, limit, pid: process.pid } })
  // A thread cannot come up while this one is blocked.
  await once(worker, 'online')
  worker.unref()
  return () => worker.terminate()
}

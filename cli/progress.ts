/** A sign of life on stderr for anything that takes longer than a second. */

/** A line that stays, also where the sign of life is written over again and again. */
export function notice(text: string): void {
  process.stderr.write(`${process.stderr.isTTY === true ? '\r\u001b[K' : ''}${text}\n`)
}

/** Runs `work`; `text` says what is being waited for and may change meanwhile. Silent when `quiet` or when done within a second. */
export async function withProgress<T>(text: () => string, quiet: boolean, work: () => Promise<T>): Promise<T> {
  if (quiet) return work()
  const started = Date.now()
  const live = process.stderr.isTTY === true
  let shown = ''
  const show = () => {
    const seconds = Math.round((Date.now() - started) / 1000)
    const line = `${text()} (${seconds} s)`
    if (live) process.stderr.write(`\r\u001b[K${line}`)
    else if (text() !== shown || seconds % 10 === 0) process.stderr.write(`${line}\n`)
    shown = text()
  }
  const timer = setInterval(show, 1000)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    if (live && shown) process.stderr.write('\r\u001b[K')
  }
}

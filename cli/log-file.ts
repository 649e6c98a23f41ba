/** The file of the daemon's log: moved aside when it is full, a few of them kept. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

export class LogFile {
  readonly #path: string
  readonly #size: number
  readonly #keep: number
  #fd: number | null = null
  #written = 0

  /**
   * @param size bytes of a full file
   * @param keep full files that are kept beside the one that is written, as `<path>.1` …
   */
  constructor(path: string, { size = 5 * 1024 * 1024, keep = 4 } = {}) {
    this.#path = path
    this.#size = size
    this.#keep = keep
  }

  /** A line that cannot be written (disk full) is dropped: the daemon goes on. */
  write(line: string): void {
    try {
      this.#fd ??= this.#open()
      if (this.#written > 0 && this.#written + line.length > this.#size) this.#rotate()
      this.#written += writeSync(this.#fd!, line)
    } catch {
      // There is nowhere left to say it; the next line tries again.
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  #open(): number {
    const fd = openSync(this.#path, 'a', 0o600)
    this.#written = fstatSync(fd).size
    return fd
  }

  #rotate(): void {
    this.close()
    for (let i = this.#keep - 1; i >= 0; i--) {
      try {
        renameSync(i === 0 ? this.#path : `${this.#path}.${i}`, `${this.#path}.${i + 1}`)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
    this.#fd = this.#open()
  }
}

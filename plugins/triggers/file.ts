/** triggers.yaml: read only when it is safe to believe, and again whenever it changes. */
import { constants, type FSWatcher, lstatSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { OpenPactError } from '../../kernel/index.ts'
import './errors.ts'

const LARGEST = 256 * 1024
/** An editor writes a file in several steps. */
const DEBOUNCE_MS = 100
/** How often it is looked for a file that is not there: a folder cannot be watched for it, as the databases are in it. */
const ABSENT_MS = 1000

/**
 * The text of the file, or null when there is none. What is checked is what is read: one open file, no symlink followed.
 * @throws OpenPactError TRIGGERS_FILE_UNSAFE
 */
export async function readTriggersFile(path: string): Promise<string | null> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw unsafe(code === 'ELOOP' || code === 'EMLINK' ? 'it is a symbolic link.' : `${code}.`)
  }
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw unsafe('it is not a plain file.')
    if (found.uid !== process.getuid?.()) throw unsafe('it belongs to another user.')
    if ((found.mode & 0o022) !== 0) throw unsafe('others can write it.')
    if (found.size > LARGEST) throw unsafe(`it is larger than ${LARGEST / 1024} KiB.`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function unsafe(reason: string): OpenPactError {
  return new OpenPactError('TRIGGERS_FILE_UNSAFE', { reason })
}

/** Calls `onchange` soon after the file changed, appeared or went, one call at a time. Look at the file once before. */
export class FileWatch {
  readonly #path: string
  readonly #onchange: () => Promise<void>
  #watcher: FSWatcher | null = null
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()
  #closed = false

  constructor(path: string, onchange: () => Promise<void>) {
    this.#path = path
    this.#onchange = onchange
    this.#follow()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watcher?.close()
    if (this.#timer) clearTimeout(this.#timer)
    await this.#running
  }

  /** A file that is replaced is another file: it is watched anew after every change. */
  #follow(): void {
    if (this.#closed) return
    this.#watcher?.close()
    this.#watcher = null
    try {
      // Of a link the system would watch what it leads to, and say nothing when the link is replaced.
      const link = lstatSync(this.#path).isSymbolicLink()
      if (link) this.#later(ABSENT_MS)
      else this.#watcher = watch(this.#path, { persistent: false }, () => this.#later(DEBOUNCE_MS))
      this.#watcher?.on('error', () => this.#later(ABSENT_MS))
    } catch {
      this.#later(ABSENT_MS)
    }
  }

  #later(ms: number): void {
    if (this.#closed) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = null
      // Watched before it is read, so that a change in between is seen.
      this.#follow()
      this.#running = this.#running.then(this.#onchange)
    }, ms)
    this.#timer.unref()
  }
}

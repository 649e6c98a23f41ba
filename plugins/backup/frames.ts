/** Named files in one stream: frame = kind 1 ‖ length 4 ‖ bytes. A file that is begun again replaces what came of it before. */
import { OpenPactError } from '../../kernel/index.ts'
import './errors.ts'

const BEGIN = 1
const DATA = 2
const END = 3
const DONE = 4
const LONGEST = 1024 * 1024
/** Parts of a name: nothing here can lead out of a folder. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,80}(\/[a-z0-9][a-z0-9._-]{0,80}){0,2}$/i

/** A part of the path of a plugin's file: any name that leads nowhere else, on any system. */
const PART = /^(?!\.{1,2}$)[^\p{Cc}\\/:*?"<>|]{1,255}(?<![. ])$/u
const DEEPEST = 16
/** What OpenPact itself keeps in a data directory; no plugin's file takes its place. */
export const OWN_NAMES =
  /^((identity|pacts|run|logs|contents|backups|skills|integrations|node_modules|token|format|triggers)(\..*)?|(index|local)\.db.*|openpact\.config\..*)$/i

/** Whether it is `plugins/<path from the data directory>`, of a file that a plugin may have there. */
export function isPluginFile(name: string): boolean {
  const [first, ...path] = name.split('/')
  if (first !== 'plugins' || path.length === 0 || path.length > DEEPEST) return false
  return path.every(part => PART.test(part)) && !OWN_NAMES.test(path[0] as string)
}

function frame(kind: number, bytes: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(kind)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

export const frames = {
  begin: (name: string) => frame(BEGIN, Buffer.from(name)),
  data: (bytes: Buffer) => frame(DATA, bytes),
  end: () => frame(END),
  /** Stands at the end of every archive. */
  done: () => frame(DONE),
}

/** A whole small file. */
export function* fileFrames(name: string, content: Buffer | string): Generator<Buffer> {
  yield frames.begin(name)
  const bytes = Buffer.from(content)
  for (let at = 0; at < bytes.length; at += 65_536) yield frames.data(bytes.subarray(at, at + 65_536))
  yield frames.end()
}

/** Who takes the files of an archive. */
export interface FileSink {
  begin(name: string): Promise<void> | void
  data(bytes: Buffer): Promise<void> | void
  end(): Promise<void> | void
}

/** Hands every file to a sink. @throws OpenPactError ARCHIVE_DAMAGED, and whatever the sink throws */
export async function readFrames(source: AsyncIterable<Buffer>, sink: FileSink, file: string): Promise<void> {
  const damaged = (reason: string) => new OpenPactError('ARCHIVE_DAMAGED', { file, reason })
  let held: Buffer = Buffer.alloc(0)
  let inFile = false
  let done = false
  for await (const part of source) {
    held = Buffer.concat([held, part])
    while (held.length >= 5) {
      const [kind, length] = [held.readUInt8(0), held.readUInt32BE(1)]
      if (length > LONGEST || done) throw damaged('its frames are not in order')
      if (held.length < 5 + length) break
      const bytes = held.subarray(5, 5 + length)
      held = held.subarray(5 + length)
      if (kind === BEGIN) {
        const name = bytes.toString('utf8')
        if (!isPluginFile(name) && (!NAME.test(name) || name.includes('..') || name.startsWith('plugins/')))
          throw damaged('it names a file that no archive holds')
        inFile = true
        await sink.begin(name)
      } else if (kind === DATA && inFile) await sink.data(bytes)
      else if (kind === END && inFile) {
        inFile = false
        await sink.end()
      } else if (kind === DONE && !inFile) done = true
      else throw damaged('its frames are not in order')
    }
  }
  if (!done || held.length > 0) throw damaged('its end is missing')
}

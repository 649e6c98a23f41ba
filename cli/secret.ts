/** Secrets come from stdin or are asked for: on a command line every user of the machine could read them. */
import { OpenPactError } from '../kernel/errors.ts'
import './errors.ts'

const LONGEST = 4096

/** The first line of stdin; asked for without an echo at a terminal. @throws OpenPactError INTERRUPTED, USAGE when there is none */
export async function readSecret(question: string): Promise<string> {
  const { stdin, stderr } = process
  const live = stdin.isTTY === true
  if (live) {
    stderr.write(question)
    stdin.setRawMode(true)
  }
  try {
    const secret = await firstLine(stdin, live)
    if (secret === '')
      throw new OpenPactError('USAGE', {
        reason: 'nothing was given',
        hint: `Give it on stdin, or type it: ${question}`,
      })
    return secret
  } finally {
    if (live) {
      stdin.setRawMode(false)
      stderr.write('\n')
    }
    stdin.pause()
  }
}

async function firstLine(stdin: NodeJS.ReadStream, live: boolean): Promise<string> {
  let text = ''
  stdin.setEncoding('utf8')
  for await (const part of stdin as AsyncIterable<string>) {
    for (const letter of part) {
      if (letter === '\n' || letter === '\r' || (live && letter === '\u0004')) return text.trim()
      if (live && letter === '\u0003') throw new OpenPactError('INTERRUPTED')
      text = live && (letter === '\u007f' || letter === '\b') ? text.slice(0, -1) : text + letter
    }
    if (text.length > LONGEST) throw new OpenPactError('USAGE', { reason: 'what was given is too long', hint: '' })
  }
  return text.trim()
}

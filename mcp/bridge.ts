/** MCP over stdio: lines from a client go to the daemon over HTTP, answers and notifications come back as lines. */
import { randomUUID } from 'node:crypto'
import { Link, type LinkOptions, type Target } from './link.ts'
import { failed, failureOf, linesOf, type Message } from './messages.ts'

export type { Failure } from './messages.ts'
export type { Target }

export interface BridgeOptions extends Pick<LinkOptions, 'connect' | 'pact'> {
  input: AsyncIterable<string | Buffer>
  output: { write(line: string): unknown }
}

/** Resolves when the client has closed its side and everything is answered. */
export async function bridge({ connect, pact, input, output }: BridgeOptions): Promise<void> {
  const write = (message: Message) => void output.write(`${JSON.stringify(message)}\n`)
  const link = new Link({ connect, pact, heard: write })
  const running = new Set<Promise<void>>()
  for await (const line of linesOf(input)) {
    if (line.trim() === '') continue
    const message = parsed(line)
    if (!message) {
      write({ jsonrpc: '2.0', id: null, error: { code: -32_700, message: 'The line is not JSON.' } })
      continue
    }
    const answering = answer(link, message).then(given => void (given && write(given)))
    running.add(answering)
    answering.finally(() => running.delete(answering))
    // What follows counts on it: a session before its first request, a notification before what comes after it.
    if (message.method === 'initialize' || message.id === undefined) await answering
  }
  await Promise.all(running)
  await link.close()
}

async function answer(link: Link, message: Message): Promise<Message | null> {
  try {
    return await link.send(repeatable(message))
  } catch (error) {
    return message.id === undefined ? null : failed(message, failureOf(error))
  }
}

/** A call has a key of its own, so that sending it again when the connection broke writes nothing twice. */
function repeatable(message: Message): Message {
  if (message.method !== 'tools/call') return message
  const meta = { 'openpact/idempotency-key': randomUUID(), ...(message.params?._meta as object | undefined) }
  return { ...message, params: { ...message.params, _meta: meta } }
}

function parsed(line: string): Message | null {
  try {
    const message: unknown = JSON.parse(line)
    return typeof message === 'object' && message !== null ? (message as Message) : null
  } catch {
    return null
  }
}

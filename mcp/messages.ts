/** JSON-RPC messages as lines, and what a failure looks like to a client that waits for an answer. */

export interface Message {
  jsonrpc?: string
  id?: string | number | null
  method?: string
  params?: Record<string, unknown>
  result?: unknown
  error?: unknown
}

/** A failure with a code, a sentence, and what to do next. */
export interface Failure {
  code: string
  message: string
  help: string
}

/** A failure that is thrown. */
export class BridgeError extends Error implements Failure {
  readonly code: string
  readonly help: string

  constructor({ code, message, help }: Failure) {
    super(message)
    this.code = code
    this.help = help
  }
}

/** Anything that was thrown, with the code it has, or as one that nobody foresaw. */
export function failureOf(error: unknown): Failure {
  const { code, message, help } = error as Partial<Failure>
  if (typeof code === 'string' && typeof message === 'string' && typeof help === 'string')
    return { code, message, help }
  return { code: 'INTERNAL', message: 'Something went wrong on the way to the daemon.', help: 'Try again.' }
}

/** A call of a tool gets a result that the model can read; anything else an error of the protocol. */
export function failed({ id, method }: Message, { code, message, help }: Failure): Message {
  const refusal = { error: code, message, help }
  if (method === 'tools/call') {
    const content = [{ type: 'text', text: JSON.stringify(refusal) }]
    return { jsonrpc: '2.0', id, result: { content, structuredContent: refusal, isError: true } }
  }
  return { jsonrpc: '2.0', id, error: { code: -32_000, message: `${message} ${help}`, data: refusal } }
}

/** What a stream of bytes says line by line; the end of a line is a line feed and nothing else. */
export async function* linesOf(input: AsyncIterable<string | Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

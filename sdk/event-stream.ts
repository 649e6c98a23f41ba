/** Server-sent events, read from a stream of bytes (WHATWG HTML, "Server-sent events"). */

export interface Message {
  /** The last id seen up to here. */
  id: string
  data: string
}

/** Reads messages until the stream ends. A message without data only moves `id` on and has empty `data`. */
export async function* readMessages(stream: ReadableStream<Uint8Array>, idle: number): AsyncGenerator<Message> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await within(idle, reader.read())
      if (done) return
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const message = messageOf(block)
        if (message) yield message
      }
    }
  } finally {
    // Where the connection broke there is nothing left to cancel.
    await reader.cancel().catch(() => {})
  }
}

function messageOf(block: string): Message | null {
  const data: string[] = []
  let id: string | null = null
  for (const line of block.split('\n')) {
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    else if (line.startsWith('id:')) id = line.slice(3).replace(/^ /, '')
  }
  return id === null ? null : { id, data: data.join('\n') }
}

/** @param ms after which it is given up; the daemon gives a sign of life every 15 s */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the stream is silent')), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

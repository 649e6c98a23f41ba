/** Between the transport of the SDK, which speaks in web requests and responses, and the daemon's own server. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** What the transport looks at. The rest stays at the door. */
const passed = ['accept', 'content-type', 'mcp-session-id', 'mcp-protocol-version', 'last-event-id']

/** The request without its body, which was read and checked already. */
export function webRequest({ raw, method }: FastifyRequest): Request {
  const headers = new Headers()
  for (const name of passed) {
    const value = raw.headers[name]
    if (typeof value === 'string') headers.set(name, value)
  }
  return new Request('http://localhost/mcp', { method, headers })
}

/** Sends an answer that is complete. */
export async function sendWhole(response: Response, reply: FastifyReply): Promise<FastifyReply> {
  reply.code(response.status).headers(Object.fromEntries(response.headers))
  return reply.send(await response.text())
}

/** Sends a stream until it ends, or until its reader goes away. `begun` is called once the headers are on their way. */
export async function sendStream(response: Response, reply: FastifyReply, begun: () => void): Promise<void> {
  const { raw } = reply
  reply.hijack()
  raw.writeHead(response.status, Object.fromEntries(response.headers))
  raw.flushHeaders()
  begun()
  // A reader that goes away is the usual end of a stream.
  await pipeline(Readable.fromWeb(response.body as import('node:stream/web').ReadableStream), raw).catch(() => {})
}

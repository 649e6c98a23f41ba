/** A program that takes webhooks: a real HTTP server whose answers a test decides, and which keeps what it was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  headers: Record<string, string>
  body: string
  /** The parsed body. */
  message: { type: string; timestamp: string; data: Record<string, unknown> }
}

export type Respond = (received: Received, response: ServerResponse, request: IncomingMessage) => void

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** Called for each request; 204 by default. */
  respond: Respond
  /** The next request that was not awaited yet. */
  next(): Promise<Received>
  close(): Promise<void>
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = []
  const waiting: ((received: Received) => void)[] = []
  let awaited = 0
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      const headers = request.headers as Record<string, string>
      const one = { headers, body, message: JSON.parse(body) as Received['message'] }
      received.push(one)
      self.respond(one, response, request)
      const waits = waiting.shift()
      if (!waits) return
      awaited++
      waits(one)
    })
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  const self: Receiver = {
    url: `http://127.0.0.1:${address.port}/hooks/openpact`,
    port: address.port,
    received,
    respond: (_received, response) => void response.writeHead(204).end(),
    next: () => {
      const one = received[awaited]
      if (!one) return new Promise(resolve => waiting.push(resolve))
      awaited++
      return Promise.resolve(one)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}

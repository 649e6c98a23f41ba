#!/usr/bin/env node
/** `openpact-mcp`: MCP over stdio for the daemon of this machine. */
import { parseArgs } from 'node:util'
import { bridge } from './bridge.ts'
import { localDaemon } from './place.ts'

const usage = 'Usage: openpact-mcp [--data-dir <dir>] [--pact <alias or id>]'

let values: { 'data-dir'?: string; pact?: string; help?: boolean }
try {
  const text = { type: 'string' } as const
  values = parseArgs({ options: { 'data-dir': text, pact: text, help: { type: 'boolean' } } }).values
} catch (error) {
  console.error(`openpact-mcp: ${(error as Error).message}\n  ${usage}`)
  process.exit(2)
}
if (values.help) {
  console.log(usage)
} else {
  const { 'data-dir': dataDir, pact = process.env.OPENPACT_PACT || undefined } = values
  // A client that went away without a word waits for nothing any more.
  process.stdout.on('error', () => process.exit(0))
  await bridge({ connect: () => localDaemon(dataDir), pact, input: process.stdin, output: process.stdout })
}

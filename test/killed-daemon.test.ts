/** What finds the daemon by its record must not send the token to whoever has its port, or its number, after it was killed. */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { localDaemon as ofMcp } from '../mcp/place.ts'
import { localDaemon as ofSdk } from '../sdk/local.ts'
import { TestDaemon } from './support/daemon.ts'

const finders = {
  sdk: (dataDir: string) => ofSdk(dataDir),
  mcp: async (dataDir: string) => ofMcp(dataDir),
}

let daemon: TestDaemon
let url: string
let token: string
let file: string
let record: { pid: number; born: string }

beforeAll(async () => {
  daemon = await TestDaemon.start()
  ;({ url, token } = daemon)
  file = join(daemon.dataDir, 'run', 'daemon.json')
  record = JSON.parse(await readFile(file, 'utf8'))
})
afterAll(() => daemon.dispose())

const found = () => Promise.all(Object.values(finders).map(find => find(daemon.dataDir).catch(error => error.code)))

it('is found while it runs, and not by its port or number alone once it was killed', async () => {
  expect(await found()).toEqual([
    { url, token },
    { url, token },
  ])
  await daemon.kill9()
  expect(await found()).toEqual(['DAEMON_DOWN', 'DAEMON_DOWN'])
  const other = createServer()
  const later = spawn('sleep', ['60'])
  try {
    await new Promise<void>(resolve => other.listen(Number(new URL(url).port), '127.0.0.1', resolve))
    for (const pid of [process.pid, later.pid]) {
      await writeFile(file, JSON.stringify({ ...record, pid }))
      expect(await found()).toEqual(['DAEMON_DOWN', 'DAEMON_DOWN'])
    }
    const { born: _, ...old } = record
    await writeFile(file, JSON.stringify({ ...old, pid: process.pid }))
    expect(await found()).toEqual(['DAEMON_DOWN', 'DAEMON_DOWN'])
  } finally {
    later.kill()
    other.close()
  }
})

/** What somebody does who has just installed OpenPact: the first steps of the README, and then each part of it once. Off the network. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { type Receiver, startReceiver } from '../support/receiver.ts'

const run = promisify(execFile)
/** ms that one command may take, `npx` with what it downloads. */
const LIMIT = 300_000

/** Program and first arguments of `openpact`. */
export type Command = [string, ...string[]]

class Newcomer {
  readonly command: Command
  readonly home: string
  /** What is known of the world: a path with the Node that runs this first, an empty home, and npm's settings. */
  readonly env: Record<string, string>

  private constructor(command: Command, home: string, env: Record<string, string>) {
    this.command = command
    this.home = home
    this.env = env
  }

  static async arrive(command: Command, folder: string): Promise<Newcomer> {
    const home = join(folder, 'home')
    await mkdir(join(home, '.openpact'), { recursive: true, mode: 0o700 })
    await writeFile(join(home, '.openpact', 'openpact.config.json'), '{"network":false}')
    const { stdout } = await run('npm', ['config', 'list', '--json'])
    const { userconfig, cache } = JSON.parse(stdout) as Record<'userconfig' | 'cache', string>
    const path = [dirname(process.execPath), process.env.PATH].join(delimiter)
    const npm = { npm_config_userconfig: userconfig, npm_config_cache: cache }
    // How the registry is reached from here: npx asks it anew, and without these it would ask for minutes in vain.
    const way = /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|https?_proxy|no_proxy)$/i
    const network = Object.fromEntries(Object.entries(process.env).filter(([name]) => way.test(name)))
    return new Newcomer(command, home, { ...(network as Record<string, string>), PATH: path, HOME: home, ...npm })
  }

  /** Answers what one command prints. */
  async openpact(...args: string[]): Promise<string> {
    return this.told('', ...args)
  }

  /** The same for one that reads a line. */
  async told(line: string, ...args: string[]): Promise<string> {
    const [program, ...first] = this.command
    const running = run(program, [...first, ...args], { env: this.env, cwd: this.home, timeout: LIMIT })
    running.child.stdin?.end(line)
    return (await running).stdout
  }

  // biome-ignore lint/suspicious/noExplicitAny: an answer of whichever command is asked
  async json(...args: string[]): Promise<any> {
    return JSON.parse(await this.openpact(...args, '--json'))
  }

  async tools(command: string, args: string[]): Promise<string[]> {
    const client = new Client({ name: 'newcomer', version: '0' })
    await client.connect(new StdioClientTransport({ command, args, env: this.env, cwd: this.home }))
    const { tools } = await client.listTools()
    await client.close()
    return tools.map(({ name }) => name)
  }
}

/** @throws Error with what did not come out as it should */
export async function firstSteps(command: Command, folder: string): Promise<void> {
  await visit(await Newcomer.arrive(command, folder), async () => {})
}

/** The same, and every part of OpenPact. @param folder where `node_modules` may hold the other public packages */
export async function everyPart(command: Command, folder: string): Promise<void> {
  const newcomer = await Newcomer.arrive(command, folder)
  const receiver = await startReceiver()
  try {
    await visit(newcomer, async () => {
      await entries(newcomer)
      await webhook(newcomer, receiver)
      await trigger(newcomer, receiver)
      await programs(newcomer, folder)
      await keeping(newcomer)
    })
  } finally {
    await receiver.close()
  }
}

async function visit(newcomer: Newcomer, inside: () => Promise<void>): Promise<void> {
  await newcomer.openpact('init', '--name', 'Soak', '--alias', 'soak')
  await newcomer.openpact('start', '--port', '0')
  try {
    await newcomer.openpact('record', 'packaging', 'Written by an installed OpenPact.')
    assert.match(await newcomer.openpact('knowledge', 'list'), /Written by an installed OpenPact\./)
    await inside()
    assert.doesNotMatch(await newcomer.openpact('doctor'), /FAIL/)
  } finally {
    await newcomer.openpact('stop')
  }
}

async function entries(newcomer: Newcomer): Promise<void> {
  const { id } = await newcomer.json('task', 'add', 'Try it')
  assert.equal((await newcomer.json('task', 'claim', id)).status, 'claimed')
  assert.equal((await newcomer.json('task', 'complete', id, '--result', '"tried"')).status, 'complete')
  await newcomer.openpact('message', 'It works here.', '--priority', 'high')
  assert.match(await newcomer.openpact('message', 'list'), /It works here\./)
  const text = '# Greet\n\nSay hello.\n'
  const file = join(newcomer.home, 'greet.md')
  await writeFile(file, text)
  await newcomer.openpact('skill', 'publish', 'greet', '1.0.0', file, '--description', 'How to greet')
  const { path, file: name } = await newcomer.json('skill', 'install', 'greet')
  assert.equal(await readFile(join(path, name), 'utf8'), text)
}

async function webhook(newcomer: Newcomer, receiver: Receiver): Promise<void> {
  await newcomer.openpact('subscriptions', 'add', receiver.url, '--topic', 'told')
  await newcomer.openpact('record', 'told', 'By webhook.')
  const { message } = await receiver.next()
  assert.equal(message.type, 'entry.applied')
  assert.match(JSON.stringify(message.data), /By webhook\./)
}

async function trigger(newcomer: Newcomer, receiver: Receiver): Promise<void> {
  const tell = `fetch('${receiver.url}', { method: 'POST', body: JSON.stringify({ run: process.env.OPENPACT_TRIGGER }) })`
  const run = ['node', '-e', tell]
  const file = join(newcomer.home, '.openpact', 'triggers.yaml')
  await writeFile(file, JSON.stringify([{ id: 'greet', match: { type: 'knowledge', topic: 'start' }, run }]), {
    mode: 0o600,
  })
  const { hash } = await newcomer.json('triggers', 'approve', 'greet')
  await newcomer.openpact('triggers', 'approve', 'greet', '--hash', hash)
  await newcomer.openpact('record', 'start', 'Somebody should be started by this.')
  assert.deepEqual((await receiver.next()).message, { run: 'greet' })
}

/** MCP on stdio, the other public packages where they were installed, and what is printed for shells and service managers. */
async function programs(newcomer: Newcomer, folder: string): Promise<void> {
  const [program, ...first] = newcomer.command
  const tools = await newcomer.tools(program, [...first, 'mcp'])
  assert.ok(tools.includes('claim_task'), `no claim_task among the tools: ${tools}`)
  const bridge = join(folder, 'node_modules', '.bin', 'openpact-mcp')
  if (
    await access(bridge).then(
      () => true,
      () => false,
    )
  ) {
    assert.deepEqual(await newcomer.tools(bridge, []), tools)
    const ask = `import { connect } from '@openpact/sdk'
      const { entries } = await (await connect()).call('pacts.list')
      process.stdout.write(entries[0].alias)`
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', ask], {
      env: newcomer.env,
      cwd: folder,
    })
    assert.equal(stdout, 'soak')
  }
  assert.match(await newcomer.openpact('completion', 'bash'), /complete .*openpact/)
  assert.match(await newcomer.openpact('service', 'install', '--dry-run'), /start.*--foreground/s)
}

async function keeping(newcomer: Newcomer): Promise<void> {
  const file = join(newcomer.home, 'machine.openpact')
  const passphrase = 'correct horse battery staple\n'
  await newcomer.told(passphrase, 'backup', file)
  assert.match(await newcomer.told(passphrase, 'backup', 'verify', file), /is whole.*soak: \d+ entries/s)
}

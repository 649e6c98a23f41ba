/** The daemon: one kernel on one data directory, from its configuration to its last closed file. */
import { rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { type Config, findConfig, loadConfig, mergeConfig, parseHostPort } from '../kernel/config.ts'
import { machineError, makeFolder } from '../kernel/host/data-dir.ts'
import { type Log, openLog } from '../kernel/host/log.ts'
import { type Kernel, OpenPactError, startKernel } from '../kernel/index.ts'
import { replaceFile } from '../kernel/replace-file.ts'
import builtIn from '../openpact.config.ts'
import { http } from '../plugins/http/route.ts'
import { bornOf } from '../plugins/triggers/processes.ts'
import { checkBind } from './bind-address.ts'
import { firstPact } from './commands/init.ts'
import type { PluginReport } from './commands/plugins.ts'
import { asFailure, renderFailure } from './errors.ts'
import { LogFile } from './log-file.ts'
import type { DaemonRecord, Place } from './place.ts'
import { configLimit, watchdog } from './watchdog.ts'

export interface DaemonOptions {
  place: Place
  /** Configuration file; the data directory's own by default. */
  config?: string
  port?: number
  /** `host:port`, several separated by commas. */
  bootstrap?: string
  bind?: string
  /** Makes a pact when the machine has none. */
  firstPact?: boolean
  onprogress?: (text: string) => void
  /** Called with the name of a configuration file before it is evaluated, and with null afterwards. */
  onconfig?: (file: string | null) => Promise<void>
  /** Lines of the log, as JSON, for whoever watches. */
  watch?: { write(line: string): void }
}

export interface Daemon {
  readonly kernel: Kernel
  readonly record: DaemonRecord
  readonly log: Log
  /** Closes everything, quiesced, and takes the record away. */
  close(): Promise<void>
}

/**
 * Percent by which V8's heap grows before it is collected whole. By itself it lets the garbage of a busy minute grow to twice what is in use, and
 * an idle daemon keeps it: 100 k entries took 280 to 310 MB, with this 245 MB, at the same rate.
 */
const HEAP_GROWTH = 40

/** How long a daemon may take to close, ms. */
const closeLimit = 30_000

/** @throws OpenPactError when anything keeps it from starting; nothing is left running then */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { place } = options
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`)
  await usable(place.dataDir)
  try {
    return await opened(options, await limitedConfig(options))
  } catch (error) {
    // For the file alone: whoever watches is told by the error itself.
    await makeFolder(dirname(place.logFile)).catch(() => {})
    openLog({ streams: [new LogFile(place.logFile)] }).error('daemon could not start', { error })
    throw error
  }
}

async function opened(options: DaemonOptions, config: Config): Promise<Daemon> {
  const { place } = options
  const file = new LogFile(place.logFile)
  const streams = options.watch ? [file, options.watch] : [file]
  const log = openLog({ level: config.log?.level, streams })
  try {
    const network = networkOf(config)
    if (network && network.bind !== undefined) await checkBind(network.bind)
    options.onprogress?.('Opening the pacts')
    const kernel = await startKernel({
      dataDir: place.dataDir,
      plugins: config.plugins ?? [],
      network,
      log,
      onprogress: options.onprogress,
    })
    try {
      if (options.firstPact && kernel.pacts.list().length + kernel.pacts.failed.size === 0) {
        options.onprogress?.('Creating the first pact')
        await kernel.pacts.create(firstPact)
      }
      const record = await announce(kernel, place)
      const forget = () => rmSync(place.daemonFile, { force: true })
      process.once('exit', forget)
      log.info('daemon ready', { url: record.url, pid: record.pid, version: record.version })
      const close = async () => {
        log.info('daemon closing')
        // The record goes first: a client that finds none starts no request that would be cut.
        forget()
        process.off('exit', forget)
        await kernel.close()
        log.info('daemon closed')
        file.close()
      }
      return { kernel, record, log, close }
    } catch (error) {
      await kernel.close()
      throw error
    }
  } catch (error) {
    file.close()
    throw error
  }
}

/** Before the configuration is looked for in it. @throws OpenPactError DATA_DIR_UNUSABLE, DISK_FULL */
async function usable(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir)
  } catch (error) {
    throw machineError(error) ?? error
  }
}

/** The file may hold code: what waits for ever is refused by the loader, what blocks this very process by the watchdog. */
async function limitedConfig(options: DaemonOptions): Promise<Config> {
  const file = options.config ?? (await findConfig(options.place.dataDir))
  if (file === null) return fullConfig(options, undefined)
  const name = basename(file)
  await options.onconfig?.(name)
  const hangs = asFailure(new OpenPactError('CONFIG_HANGS', { file: name, seconds: configLimit / 1000 }))
  const callOff = await watchdog(configLimit, renderFailure(hangs, {}))
  try {
    return await fullConfig(options, file)
  } finally {
    await callOff()
    await options.onconfig?.(null)
  }
}

/** The built-in plugins, then the configuration file, then the flags: each says only what it changes. */
async function fullConfig(options: DaemonOptions, file: string | undefined): Promise<Config> {
  const { config } = file === undefined ? { config: {} } : await loadConfig({ dataDir: options.place.dataDir, file })
  const flags: Config = {
    plugins: options.port === undefined ? [] : [{ plugin: 'http', config: { port: options.port } }],
  }
  const network = {
    ...(options.bootstrap === undefined ? {} : { bootstrap: options.bootstrap.split(',').map(checkedAddress) }),
    ...(options.bind === undefined ? {} : { bind: options.bind }),
  }
  if (Object.keys(network).length > 0) flags.network = network
  return mergeConfig(mergeConfig(builtIn, config), flags)
}

function networkOf({ network = {} }: Config): Parameters<typeof startKernel>[0]['network'] {
  if (network === false) return false
  const { bootstrap, ...rest } = network
  return bootstrap === undefined ? rest : { ...rest, bootstrap: bootstrap.map(parseHostPort) }
}

function checkedAddress(text: string): string {
  const address = text.trim()
  const { host, port } = parseHostPort(address)
  if (!host || !/:\d{1,5}$/.test(address) || port < 1 || port > 65535) {
    throw new OpenPactError('BOOTSTRAP_INVALID', { value: address })
  }
  return address
}

async function announce(kernel: Kernel, place: Place): Promise<DaemonRecord> {
  const { url } = kernel.use(http)
  const started = Date.now()
  const record: DaemonRecord = { pid: process.pid, url, started, version: kernel.version, born: bornOf(process.pid) }
  const report: PluginReport = { reported: started, entries: kernel.plugins() }
  await makeFolder(dirname(place.daemonFile))
  replaceFile(place.pluginsFile, `${JSON.stringify(report)}\n`)
  replaceFile(place.daemonFile, `${JSON.stringify(record)}\n`)
  return record
}

/**
 * Calls `told` on anything that was not foreseen. The state of the process is unknown then; what was acknowledged is on disk, so
 * ending it is the safe answer.
 */
export function onCrash(told: (error: unknown) => void): void {
  process.on('uncaughtException', told)
  process.on('unhandledRejection', told)
}

/** Resolves with the exit code once the daemon has ended: by a signal, or because `signal` says so. */
export function daemonEnded(daemon: Daemon, signal: AbortSignal): Promise<number> {
  return new Promise(resolve => {
    let stopping = false
    const stop = () => {
      // A second signal means: now.
      if (stopping) return resolve(130)
      stopping = true
      const expired = () => {
        daemon.log.error('daemon did not close in time', { limit: closeLimit })
        resolve(1)
      }
      setTimeout(expired, closeLimit).unref()
      daemon.close().then(
        () => resolve(0),
        error => {
          daemon.log.error('daemon did not close cleanly', { error })
          resolve(1)
        },
      )
    }
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, stop)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
  })
}

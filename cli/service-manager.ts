/** Runs `systemctl --user` or `launchctl`, and says in a code when there is neither. */
import { spawn } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { OpenPactError } from '../kernel/errors.ts'
import { replaceFile } from '../kernel/replace-file.ts'
import { launchdAgent, type ServiceFile, type ServiceWishes, systemdUnit } from './service-file.ts'

export interface Step {
  command: string
  args: readonly string[]
  /** Failing is no failure: it undoes what may not be there. */
  optional?: boolean
  /** Repeated until it fails: what it shows takes its time to go. */
  untilGone?: boolean
}

/** ms between two looks, and ms that an end may take: the daemon has 40 s for it. */
const LOOK = 100
const GONE_LIMIT = 45_000
/** ms that a daemon may take until it answers; one that has to migrate its data takes longer than others. */
const START_LIMIT = 60_000

/** How one kind of service manager does what `openpact service` offers. */
export interface ServiceManager {
  readonly file: ServiceFile
  /** Answers as soon as the manager itself can be reached. */
  readonly probe: Step
  readonly install: readonly Step[]
  readonly status: Step
  readonly uninstall: readonly Step[]
  /** After the file is gone. */
  readonly forget: readonly Step[]
  /** Follows what the service prints. */
  logs(lines: number, follow: boolean): Step
}

/** @throws OpenPactError SERVICE_UNSUPPORTED on any other platform */
export function serviceManager(platform: NodeJS.Platform, wishes: ServiceWishes): ServiceManager {
  if (platform === 'linux') return systemd(systemdUnit(wishes))
  if (platform === 'darwin') return launchd(launchdAgent(wishes), join(wishes.dataDir, 'logs', 'service.log'))
  throw new OpenPactError('SERVICE_UNSUPPORTED', { platform })
}

function systemd(file: ServiceFile): ServiceManager {
  const step = (...args: string[]): Step => ({ command: 'systemctl', args: ['--user', ...args] })
  // One that failed too often would not be started again for some minutes, and is listed even when its file is gone.
  const forgive = { ...step('reset-failed', file.name), optional: true }
  return {
    file,
    probe: step('show-environment'),
    install: [step('daemon-reload'), step('enable', file.name), forgive, step('restart', file.name)],
    status: step('status', '--no-pager', '--lines=5', file.name),
    uninstall: [{ ...step('disable', '--now', file.name), optional: true }, forgive],
    forget: [step('daemon-reload')],
    logs: (lines, follow) => ({
      command: 'journalctl',
      args: ['--user', '--unit', file.name, '--lines', String(lines), ...(follow ? ['--follow'] : ['--no-pager'])],
    }),
  }
}

function launchd(file: ServiceFile, log: string): ServiceManager {
  const domain = `gui/${userInfo().uid}`
  const step = (...args: string[]): Step => ({ command: 'launchctl', args })
  const status = step('print', `${domain}/${file.name}`)
  // `bootout` answers while the daemon still closes, and until it has, the same name cannot be loaded again.
  const remove = [
    { ...step('bootout', `${domain}/${file.name}`), optional: true },
    { ...status, untilGone: true },
  ]
  return {
    file,
    probe: step('print', domain),
    install: [...remove, step('bootstrap', domain, file.path)],
    status,
    uninstall: remove,
    forget: [],
    logs: (lines, follow) => ({ command: 'tail', args: ['-n', String(lines), ...(follow ? ['-F'] : []), log] }),
  }
}

/** Writes the file, whole or not at all. */
export async function writeService({ path, text }: ServiceFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  replaceFile(path, text, 0o644)
}

export async function removeService({ path }: ServiceFile): Promise<void> {
  await rm(path, { force: true })
}

/** Runs one step with its output kept. @throws OpenPactError SERVICE_MANAGER_MISSING, SERVICE_FAILED */
export async function runStep(step: Step): Promise<string> {
  const deadline = Date.now() + GONE_LIMIT
  for (;;) {
    const { code, output } = await spawned(step, 'pipe')
    if (step.untilGone) {
      if (code !== 0) return output
      if (Date.now() > deadline) throw failed(step, 'it does not end')
      await delay(LOOK)
    } else if (code === 0 || step.optional) return output
    else throw failed(step, reason(code, output))
  }
}

/**
 * Waits until `running` answers other than null: a manager says that a service runs as soon as there is a process.
 * @throws OpenPactError SERVICE_FAILED when the service ends, or does not answer within 60 s
 */
export async function started<T>({ status, install }: ServiceManager, running: () => T | null): Promise<T> {
  const last = install.at(-1)!
  const deadline = Date.now() + START_LIMIT
  for (;;) {
    const found = running()
    if (found !== null) return found
    if ((await spawned(status, 'pipe')).code !== 0) throw failed(last, 'the daemon ended while it started')
    if (Date.now() > deadline) throw failed(last, `the daemon does not answer after ${START_LIMIT / 1000} s`)
    await delay(LOOK)
  }
}

function failed(step: Step, reason: string): OpenPactError {
  return new OpenPactError('SERVICE_FAILED', { command: words(step), reason })
}

/** Runs one step on this terminal. @returns its exit code. @throws OpenPactError SERVICE_MANAGER_MISSING */
export async function showStep(step: Step): Promise<number> {
  return (await spawned(step, 'inherit')).code ?? 1
}

/** @throws OpenPactError SERVICE_MANAGER_MISSING when the manager is not there, or not for this user */
export async function reachable({ probe }: ServiceManager): Promise<void> {
  const { code, output } = await spawned(probe, 'pipe')
  if (code !== 0)
    throw new OpenPactError('SERVICE_MANAGER_MISSING', { command: words(probe), reason: reason(code, output) })
}

export function words({ command, args }: Step): string {
  return [command, ...args].join(' ')
}

function reason(code: number | null, output: string): string {
  return output.trim().split('\n').at(-1) || `it ended with ${code}`
}

function spawned(step: Step, stdio: 'pipe' | 'inherit'): Promise<{ code: number | null; output: string }> {
  const { command, args } = step
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', stdio, stdio] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', chunk => {
        output += chunk
      })
    }
    child.once('error', cause =>
      reject(new OpenPactError('SERVICE_MANAGER_MISSING', { command: words(step), reason: cause.message }, { cause })),
    )
    child.once('close', code => resolve({ code, output }))
  })
}

/** Runs `systemctl --user` or `launchctl`, and says in a code when there is neither. */
import { spawn } from 'node:child_process'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { OpenPactError } from '../kernel/errors.ts'
import { launchdAgent, type ServiceFile, type ServiceWishes, systemdUnit } from './service-file.ts'

export interface Step {
  command: string
  args: readonly string[]
  /** Failing is no failure: it undoes what may not be there. */
  optional?: boolean
}

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
  return {
    file,
    probe: step('show-environment'),
    install: [step('daemon-reload'), step('enable', file.name), step('restart', file.name)],
    status: step('status', '--no-pager', '--lines=5', file.name),
    uninstall: [{ ...step('disable', '--now', file.name), optional: true }],
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
  return {
    file,
    probe: step('print', domain),
    install: [{ ...step('bootout', `${domain}/${file.name}`), optional: true }, step('bootstrap', domain, file.path)],
    status: step('print', `${domain}/${file.name}`),
    uninstall: [{ ...step('bootout', `${domain}/${file.name}`), optional: true }],
    forget: [],
    logs: (lines, follow) => ({ command: 'tail', args: ['-n', String(lines), ...(follow ? ['-F'] : []), log] }),
  }
}

/** Writes the file, whole or not at all. */
export async function writeService({ path, text }: ServiceFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, text, { mode: 0o644 })
  await rename(`${path}.new`, path)
}

export async function removeService({ path }: ServiceFile): Promise<void> {
  await rm(path, { force: true })
}

/** Runs one step with its output kept. @throws OpenPactError SERVICE_MANAGER_MISSING, SERVICE_FAILED */
export async function runStep(step: Step): Promise<string> {
  const { code, output } = await spawned(step, 'pipe')
  if (code !== 0 && !step.optional)
    throw new OpenPactError('SERVICE_FAILED', { command: words(step), reason: reason(code, output) })
  return output
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

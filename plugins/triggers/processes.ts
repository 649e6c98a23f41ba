/**
 * Processes of runs: whether a group still has members, what tells a process from a later one with its number, which were given a run's mark
 * in their environment, and how they are ended.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** How often it is looked whether a group is gone: nobody tells. ms */
const LOOK_MS = 25
/** After KILL a process is gone when the system has time for it. */
const KILLED_MS = 2000

interface Process {
  pid: number
  group: number
  /** Of an earlier boot or a later process with the same number it is another text. */
  born: string
}

/** Stands with a pid for one process: the number is used again later, the two together are not. Null when it is gone. */
export function bornOf(pid: number): string | null {
  if (process.platform === 'linux') return statOf(pid)?.born ?? null
  return table(['-p', String(pid)])[0]?.born ?? null
}

/** Whether processes of a group run. Ended ones that nobody reaped do not count. */
export function groupRuns(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return all().some(each => each.group === group)
}

/** TERM to the whole group, and KILL to what is left of it after `grace` ms. Resolves when it is gone. */
export async function endGroup(group: number, grace: number): Promise<void> {
  for (const [signal, patience] of [
    ['SIGTERM', grace],
    ['SIGKILL', KILLED_MS],
  ] as const) {
    try {
      process.kill(-group, signal)
    } catch {
      return
    }
    for (const end = Date.now() + patience; Date.now() < end; await pause(LOOK_MS)) if (!groupRuns(group)) return
  }
}

/** Ends what an earlier daemon left of a run. A process that merely has its number now is left alone. */
export async function endOrphan(pid: number, born: string, grace: number): Promise<boolean> {
  const leader = bornOf(pid)
  // A group outlives its leader, and no other process gets its number as long as it does.
  const left = leader === null ? all().some(each => each.group === pid && notBefore(each.born, born)) : leader === born
  if (left) await endGroup(pid, grace)
  return left
}

/**
 * Ends every process that was given all of some variables (`NAME=value`), whatever group or session it went into: TERM, and KILL after
 * `grace` ms. Only Linux tells the environment of a process; and who clears it, or is another user, is not found.
 * @returns how many there were
 */
export async function endMarked(marks: readonly string[], grace: number): Promise<number> {
  const told = new Set<number>()
  const patient = Date.now() + grace
  for (const end = patient + KILLED_MS; Date.now() < end; await pause(LOOK_MS)) {
    // Looked for again each time: it may have begun others in the meantime.
    const left = marked(marks)
    if (left.length === 0) break
    for (const pid of left) {
      if (Date.now() >= patient) send(pid, 'SIGKILL')
      else if (!told.has(pid)) send(pid, 'SIGTERM')
      told.add(pid)
    }
  }
  return told.size
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself.
  }
}

function marked(marks: readonly string[]): number[] {
  if (process.platform !== 'linux') return []
  return all().flatMap(({ pid }) => {
    try {
      const variables = new Set(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'))
      return pid !== process.pid && marks.every(mark => variables.has(mark)) ? pid : []
    } catch {
      return []
    }
  })
}

/** Same boot, and not started earlier. */
function notBefore(later: string, earlier: string): boolean {
  const [a, b] = [later, earlier].map(text => text.split(' ')) as [string[], string[]]
  return process.platform !== 'linux' || (a[0] === b[0] && Number(a[1]) >= Number(b[1]))
}

function all(): Process[] {
  if (process.platform !== 'linux') return table(['-A'])
  return readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []))
}

let boot: string | undefined

/** Null for a process that is gone or ended. */
function statOf(pid: number): Process | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program stands in brackets and may hold anything.
    const [state, , group, , ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return null
    boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return { pid, group: Number(group), born: `${boot} ${rest[15]}` }
  } catch {
    return null
  }
}

/** macOS and others: `ps` says it, to the second. */
function table(which: string[]): Process[] {
  try {
    // Each by itself: a BSD takes what follows the first `=` for a title.
    const columns = ['pid=', 'pgid=', 'stat=', 'lstart='].flatMap(column => ['-o', column])
    const text = execFileSync('ps', [...which, ...columns], {
      encoding: 'utf8',
      // The same text for the same moment, wherever the machine has been carried since.
      env: { LC_ALL: 'C', TZ: 'UTC' },
    })
    return text.split('\n').flatMap(line => {
      const [pid, group, state, ...born] = line.trim().split(/\s+/)
      return state === undefined || state.startsWith('Z')
        ? []
        : [{ pid: Number(pid), group: Number(group), born: born.join(' ') }]
    })
  } catch {
    return []
  }
}

/**
 * Processes of runs: whether a group still has members, what tells a process from a later one with its number, which were given a run's mark
 * in their environment, and how they are ended.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { bootId, sameBoot } from '../../kernel/index.ts'

/** How often it is looked whether a group is gone: nobody tells. ms */
const LOOK_MS = 25
/** After KILL a process is gone when the system has time for it. */
const KILLED_MS = 2000

interface Process {
  pid: number
  group: number
  /** Boot and start: `<boot id> <ticks since the boot>`, or `<boot id> <date in UTC>` where there is no /proc. */
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
  const left =
    leader === null
      ? all().some(each => each.group === pid && startedAfter(each.born, born) >= 0)
      : startedAfter(leader, born) === 0
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

/** By how much one process started later than another, in ticks or ms; NaN, which no comparison holds for, when their boots differ. */
function startedAfter(born: string, earlier: string): number {
  const [a, b] = [born, earlier].map(text => {
    const [boot, ...start] = text.split(' ')
    return { boot: boot!, start: start.length === 1 ? Number(start) : Date.parse(`${start.join(' ')} UTC`) }
  }) as [{ boot: string; start: number }, { boot: string; start: number }]
  return sameBoot(a.boot, b.boot) ? a.start - b.start : Number.NaN
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
    boot ??= bootId()
    return { pid, group: Number(group), born: `${boot} ${rest[15]}` }
  } catch {
    return null
  }
}

/** macOS and others: `ps` says it, to the second. */
function table(which: string[]): Process[] {
  try {
    // A flag for each: in one list, all that follows the first `=` would be the title of its column (POSIX).
    const columns = ['pid=', 'pgid=', 'stat=', 'lstart='].flatMap(column => ['-o', column])
    // Whoever travels changes the clock's zone, and would change what a process is known by.
    const env = { LC_ALL: 'C', TZ: 'UTC' }
    boot ??= bootId()
    const text = execFileSync('ps', [...which, ...columns], { encoding: 'utf8', env })
    return text.split('\n').flatMap(line => {
      const [pid, group, state, ...born] = line.trim().split(/\s+/)
      return state === undefined || state.startsWith('Z')
        ? []
        : [{ pid: Number(pid), group: Number(group), born: `${boot} ${born.join(' ')}` }]
    })
  } catch {
    return []
  }
}

/** What a process and a directory take of the machine. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Resident memory of a process, bytes. */
export async function memory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
}

/** Blocks that a directory really occupies, bytes. */
export async function disk(directory: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-s', '-B1', directory])
  return Number(stdout.split('\t')[0])
}

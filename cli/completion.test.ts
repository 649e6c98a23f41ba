import { spawnSync } from 'node:child_process'
import { Command } from 'commander'
import { expect, it } from 'vitest'
import { completionScript, placesOf } from './completion.ts'

function program(): Command {
  const openpact = new Command('openpact').option('--json', 'answer in JSON').option('--hidden <x>', 'one')
  const task = openpact.command('task').description('tasks')
  task
    .command('claim')
    .description("claim one; it's yours")
    .option('--lease <duration>', 'how long: really')
    .argument('<id>')
  task.command('list').description('list them')
  openpact.command('token').description('tokens')
  openpact.command('$(touch /tmp/x)').description('of a plugin that means no good')
  return openpact
}

const script = completionScript('bash', placesOf(program()))

function completed(...words: string[]): string[] {
  const line = words.map(word => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(openpact ${line}); COMP_CWORD=${words.length}; _openpact; echo "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', `${script}\n${ask}`], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.trim().split(' ')
}

it('completes commands, verbs and flags in bash, wherever flags stand', () => {
  expect(completed('t')).toEqual(['task', 'token'])
  expect(completed('--json', 'task', '')).toEqual(['claim', 'list', '--json', '--hidden', '--help'])
  expect(completed('task', 'claim', '8632dac7-1', '--l')).toEqual(['--lease'])
  expect(completed('nosuch', 'to')).toEqual(['token'])
})

it('offers no word that a shell would run, and quotes every text', () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const text = completionScript(shell, placesOf(program()))
    expect(text).not.toMatch(/^[^']*('[^']*'[^']*)*\$\(touch/m)
    expect(text).not.toContain("it's")
    expect(text).toContain('lease')
  }
})

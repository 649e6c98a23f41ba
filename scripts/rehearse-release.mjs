#!/usr/bin/env node
// Runs what the release workflow runs, here and without publishing: the `run:` steps of its job `publish` (with --all, of every job), as for
// the tag of this version. `npm ci` and `npm pkg set` are left out, as they change the clone, `npm publish` only shows, and `gh` is a
// stand-in that prints its notes.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('..', import.meta.url))
const { jobs } = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8'))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const wanted = process.argv.includes('--all') ? Object.keys(jobs) : ['publish']
/** What stands for the values that GitHub would fill in. */
const given = { DRY_RUN: '--dry-run', GH_TOKEN: '' }

const temporary = mkdtempSync(join(tmpdir(), 'openpact-release-'))
try {
  writeFileSync(
    join(temporary, 'gh'),
    '#!/bin/sh\nwhile [ "$1" != --notes-file ]; do shift; done\ntest -s "$2" && cat "$2"\n',
    {
      mode: 0o755,
    },
  )
  const path = [temporary, process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH: path, RUNNER_TEMP: temporary, GITHUB_REF_NAME: `v${version}` }
  for (const [job, { steps }] of Object.entries(jobs).filter(([name]) => wanted.includes(name))) {
    for (const { run, env: own = {} } of steps) {
      if (run === undefined || /^npm (ci|pkg set)\b/.test(run)) continue
      const unknown = Object.keys(own).filter(name => !Object.hasOwn(given, name))
      if (unknown.length > 0)
        throw new Error(`no value for ${unknown.join(', ')} in a step of ${job}: give it one here`)
      console.log(`\n${job}: ${run.trim()}`)
      const values = Object.fromEntries(Object.keys(own).map(name => [name, given[name]]))
      const stdio = ['ignore', 'inherit', 'pipe']
      const options = { cwd: root, env: { ...env, ...values }, stdio, encoding: 'utf8', maxBuffer: 1e8 }
      const { status, stderr } = spawnSync('bash', ['-e', '-c', run], options)
      process.stderr.write(stderr.replace(/^npm notice .*\n/gm, ''))
      if (status !== 0) throw new Error(`a step of ${job} ended with ${status}`)
      // npm publishes then without what it did not understand.
      if (stderr.includes('errors corrected')) throw new Error('npm would change a package.json (above)')
    }
  }
} catch (error) {
  console.error(`\nThe release would fail: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

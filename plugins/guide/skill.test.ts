/** The skill: it is what the operations make of it, it keeps to the format, and the daemon serves it to everybody. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import builtIn from '../../openpact.config.ts'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import knowledge from '../knowledge/index.ts'
import { type Operation, operationPoint } from '../operations/operation.ts'
import { type FileName, skillFiles } from './files.ts'
import guide from './index.ts'

const operations = (builtIn.plugins ?? []).flatMap(entry => {
  if (typeof entry !== 'object' || 'plugin' in entry) return []
  const declared = (entry.contributes ?? []).filter(({ point }) => point === operationPoint.id)
  return declared.map(({ value }) => value as Operation)
})
const files = skillFiles(operations)

let local: Local
beforeAll(async () => {
  local = await openLocal([knowledge, guide])
})
afterAll(() => local.dispose())

it.each(['SKILL.md', 'tools.json'] as FileName[])('%s in skill/openpact/ is up to date', name => {
  const written = readFileSync(new URL(`../../skill/openpact/${name}`, import.meta.url), 'utf8')
  expect(written, 'run `npm run build && node scripts/build-skill.mjs`').toBe(files[name])
})

it('keeps to the format of agent skills', () => {
  const [, head = '', body = ''] = /^---\n(.*?)\n---\n(.*)$/s.exec(files['SKILL.md']) ?? []
  const { name, description, compatibility, ...other } = parse(head)
  expect(name).toBe('openpact')
  expect(description.length).toBeLessThanOrEqual(1024)
  expect(compatibility.length).toBeLessThanOrEqual(500)
  expect(other).toEqual({})
  expect(body.split('\n').length).toBeLessThan(500)
  expect(body).toContain('`claim_task`: `PUT /v1/pacts/:pactId/tasks/:id/claim`')
})

it('names the lists that are bare arrays', () => {
  const bare = operations.filter(({ output }) => (output as { type?: string }).type === 'array')
  expect(bare.length).toBeGreaterThan(0)
  const agents = readFileSync(new URL('../../docs/agents.md', import.meta.url), 'utf8')
  for (const { http } of bare)
    for (const text of [files['SKILL.md'], agents]) expect(text).toContain(`\`${http.replace(' ', ' …')}\``)
})

it('is served to everybody, with digests, of the plugins that run', async () => {
  const get = (path: string) => local.send({ path, token: null })
  const index = (await get('/.well-known/agent-skills/index.json')).json as {
    skills: { name: string; files: { url: string; digest: string }[] }[]
  }
  expect(index.skills.map(({ name }) => name)).toEqual(['openpact'])
  for (const { url, digest } of index.skills[0]!.files) {
    const { status, text } = await get(url)
    expect([status, `sha256:${createHash('sha256').update(text).digest('hex')}`]).toEqual([200, digest])
    expect([text.includes('record_knowledge'), text.includes('/tasks/')]).toEqual([true, false])
    expect(text).not.toContain(local.kernel.pact.id)
  }
  expect((await get('/')).json).toMatchObject({ help: expect.stringContaining('GET /llms.txt') })
  const llms = await get('/llms.txt')
  expect([llms.status, llms.text.startsWith('# OpenPact')]).toEqual([200, true])
  for (const [, path] of llms.text.matchAll(/\]\((\/[^)]+)\)/g))
    expect((await get(path!)).status, path).toBeLessThan(405)
  expect((await local.send({ path: '/llms.txt', token: null, headers: { host: 'evil.example' } })).status).toBe(403)
})

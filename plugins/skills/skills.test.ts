import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compare } from 'semver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { access } from '../access/service.ts'
import attachmentsPlugin from '../attachments/index.ts'
import { attachments } from '../attachments/service.ts'
import { readModel } from '../read-model/service.ts'
import secrets from '../secrets/index.ts'
import skills from './index.ts'
import { versionKey } from './version-key.ts'

let local: Local
const base = '/v1/pacts/test/skills'

beforeAll(async () => {
  local = await openLocal([attachmentsPlugin, skills, secrets])
})
afterAll(() => local.dispose())

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const publish = (body: object) =>
  local.send({ method: 'POST', path: base, body: { description: 'd', format: 'openclaw', ...body } })
const get = async (path: string) => (await local.send({ path: `${base}${path}` })).json
const install = (id: string, body: object = {}, token?: string) =>
  local.send({ method: 'POST', path: `${base}/${id}/install`, body, ...(token ? { token } : {}) })
const folder = (...path: string[]) => join(local.kernel.dataDir, 'skills', ...path)

test('the order of versions as text is that of semver', () => {
  const found = [
    '0.0.1',
    '0.10.0',
    '0.9.0',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-alpha1',
    '1.0.0-beta.2',
  ]
  found.push('1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.0-0', '1.0.0-a-b', '1.0.0-a.b', '1.0.0-A', '10.0.0', '2.0.0')
  const byKey = found.toSorted((a, b) => ((versionKey(a) ?? '') < (versionKey(b) ?? '') ? -1 : 1))
  expect(byKey).toEqual(found.toSorted(compare))
  expect(versionKey('1.0')).toBe(null)
})

test('what was published is listed by version and read back, small or larger than an entry', async () => {
  const large = `# big\n${'line of a large skill \u20ac "quoted"\n'.repeat(8_000)}`
  for (const [version, content] of [
    ['1.9.0', 'nine\nsame\n'],
    ['1.10.0', 'ten\nsame\n'],
    ['2.0.0-rc.1', large],
  ] as const) {
    const { status, json } = await publish({ name: 'deploy', version, content, sha256: hash(content) })
    expect([status, json.attached]).toEqual([201, content === large])
    expect(json).toMatchObject({ name: 'deploy', version, size: Buffer.byteLength(content), sha256: hash(content) })
    expect(await get(`/${json.id}/content`)).toMatchObject({ id: json.id, version, content, sha256: hash(content) })
    expect(await get(`/${json.id}`)).toMatchObject({ here: true })
  }
  const first = await get('?name=deploy&limit=2')
  const versions = (page: Record<string, unknown>) => (page.entries as { version: string }[]).map(each => each.version)
  expect(versions(first)).toEqual(['2.0.0-rc.1', '1.10.0'])
  expect(versions(await get(`?name=deploy&limit=2&cursor=${first.cursor}`))).toEqual(['1.9.0'])
  await publish({ name: 'other', version: '1.0.0', content: 'x', format: 'langchain' })
  expect(await get('?limit=1')).toMatchObject({ entries: [{ name: 'other' }], has_more: true })
  expect(versions(await get('?format=openclaw&limit=9'))).toHaveLength(3)
  expect((await get('/deploy@1.9.0')).version).toBe('1.9.0')
})

test('two versions are compared line by line', async () => {
  const { diff, same } = await get('/deploy@1.10.0/diff')
  expect(same).toBe(false)
  expect(diff).toContain('--- deploy@1.9.0')
  expect(diff).toContain('-nine\n+ten\n same')
  expect((await get('/deploy@1.9.0/diff?from=deploy@1.9.0')).same).toBe(true)
  expect((await get('/deploy/diff?from=1.9.0')).diff).toBe((await get('/deploy/diff?from=deploy@1.9.0')).diff)
  expect((await get('/deploy@1.9.0/diff')).error).toBe('SKILL_UNKNOWN')
  const lines = (word: string) => Array.from({ length: 30_000 }, (_, i) => `${word} ${i}`).join('\n')
  await publish({ name: 'far', version: '1.0.0', content: lines('a') })
  await publish({ name: 'far', version: '1.0.1', content: lines('b') })
  expect((await get('/far/diff')).error).toBe('SKILL_DIFF_TOO_LARGE')
})

test('bad input is refused with its reason, and nothing is written', async () => {
  const before = local.kernel.pact.length
  const fine = { name: 'ok', version: '1.0.0', content: 'x' }
  for (const [body, code] of [
    [{ ...fine, name: '../up' }, 'INVALID_INPUT'],
    [{ ...fine, name: 'Up' }, 'INVALID_INPUT'],
    [{ ...fine, name: '-x' }, 'INVALID_INPUT'],
    [{ ...fine, version: 'v1' }, 'INVALID_INPUT'],
    [{ ...fine, version: '1.0.01' }, 'INVALID_INPUT'],
    [{ ...fine, content: '' }, 'INVALID_INPUT'],
    [{ ...fine, sha256: hash('y') }, 'SKILL_CHECKSUM_MISMATCH'],
    [{ ...fine, content: 'x'.repeat(4 * 1024 * 1024 + 1) }, 'SKILL_TOO_LARGE'],
    [{ ...fine, content: 'x'.repeat(12 * 1024 * 1024) }, 'BODY_TOO_LARGE'],
    [{ ...fine, name: 'deploy', version: '1.9.0' }, 'SKILL_VERSION_EXISTS'],
    // In an attachment as in an entry; made of parts, so that nobody who searches this repository finds a secret.
    [{ ...fine, content: `${'line\n'.repeat(20_000)}ghp_${'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'}` }, 'SECRET_FOUND'],
  ] as const) {
    const { json } = await publish(body)
    expect(json.error, `${body.name} ${body.version}`).toBe(code)
  }
  expect((await publish({ name: 'deploy', version: '1.9.0', content: 'nine\nsame\n' })).status).toBe(201)
  expect(local.kernel.pact.length).toBe(before)
  expect(await get('/deplyo')).toMatchObject({ error: 'SKILL_UNKNOWN' })
  expect(JSON.stringify(await get('/deplyo'))).toContain('deploy')
})

test('of two that publish the same version at once, the second is refused, or told of the first when it says the same', async () => {
  const about = { name: 'race', version: '1.0.0' }
  const answers = await Promise.all(['one', 'two', 'one'].map(content => publish({ ...about, content })))
  expect(answers.map(({ status, json }) => [status, json.error])).toEqual([
    [201, undefined],
    [409, 'SKILL_VERSION_EXISTS'],
    [201, undefined],
  ])
  expect(answers[2]?.json.id).toBe(answers[0]?.json.id)
  expect((await get('?name=race')).entries).toMatchObject([{ id: answers[0]?.json.id, standing: 'stands' }])
})

test('an entry whose announcements contradict each other is no skill, and content that is not as announced is not handed out', async () => {
  const { pact } = local.kernel
  const payload = { name: 'lie', version: '1.0.0', format: 'generic', description: 'd', size: 1, sha256: hash('x') }
  await expect(pact.append([{ type: 'skill', payload }])).rejects.toMatchObject({ code: 'PAYLOAD_INVALID' })
  const attachment = await local.kernel.use(attachments).attach(pact, Buffer.from('y'))
  const [other] = await pact.append([{ type: 'skill', payload: { ...payload, attachment } }])
  expect((await get(`/${other?.id}`)).error).toBe('SKILL_UNKNOWN')
  const { json } = await local.send({ path: `/v1/pacts/test/entries/${other?.id}` })
  expect(json.unreadable).toContain('skills')
  const [wrong] = await pact.append([{ type: 'skill', payload: { ...payload, content: 'y' } }])
  expect((await get(`/${wrong?.id}/content`)).error).toBe('SKILL_CHECKSUM_MISMATCH')
  expect((await install(String(wrong?.id))).json.error).toBe('SKILL_CHECKSUM_MISMATCH')
  expect(await readdir(folder()).catch(() => [])).toEqual([])
})

test('a skill is installed on an admin’s word alone, replaced by another version, listed and removed', async () => {
  const { token } = await local.kernel
    .use(access)
    .issue({ agent: local.kernel.identity.defaultAgent.name, access: 'write' })
  const refused = await install('deploy', {}, token)
  expect([refused.status, refused.json.error]).toEqual([403, 'OUT_OF_SCOPE'])
  expect((await install('deploy@1.9.0')).json).toMatchObject({ version: '1.9.0', path: folder('deploy') })
  expect(await readFile(folder('deploy', 'SKILL.md'), 'utf8')).toBe('nine\nsame\n')
  expect((await install('deploy')).json.version).toBe('2.0.0-rc.1')
  expect(hash(await readFile(folder('deploy', 'SKILL.md'), 'utf8'))).toBe((await get('/deploy')).sha256)
  expect((await install('other')).json.file).toBe('skill.txt')
  expect((await readdir(folder())).sort()).toEqual(['deploy', 'other'])

  const installed = async () =>
    JSON.parse((await local.send({ path: `${base}/installed` })).text) as { name: string; intact: boolean }[]
  await writeFile(folder('other', 'skill.txt'), 'changed')
  expect((await installed()).map(({ name, intact }) => [name, intact])).toEqual([
    ['deploy', true],
    ['other', false],
  ])
  const remove = (name: string) => local.send({ method: 'DELETE', path: `${base}/installed/${name}` })
  expect((await remove('other')).json).toEqual({ name: 'other', removed: true })
  expect((await remove('other')).json.error).toBe('SKILL_NOT_INSTALLED')
  expect(await readdir(folder())).toEqual(['deploy'])
})

test('what its author wants looked at first is installed only with approval', async () => {
  await publish({ name: 'careful', version: '1.0.0', content: 'x', requires_approval: true })
  const { status, json } = await install('careful')
  expect([status, json.error]).toEqual([403, 'SKILL_NEEDS_APPROVAL'])
  expect((await install('careful', { approve: true })).status).toBe(200)
})

test('links are not followed and what is not ours is not touched; a change cut short is ended', async () => {
  const outside = join(local.kernel.dataDir, 'outside')
  await mkdir(outside)
  await symlink(outside, folder('other'))
  expect((await install('other')).json.error).toBe('SKILL_FOLDER_FOREIGN')
  expect(await readdir(outside)).toEqual([])
  await rm(folder('other'))
  await mkdir(folder('other'))
  await writeFile(folder('other', 'mine.txt'), 'mine')
  expect((await install('other')).json.error).toBe('SKILL_FOLDER_FOREIGN')
  expect(await readdir(folder('other'))).toEqual(['mine.txt'])
  await rm(folder('other'), { recursive: true })

  // As a machine leaves it that stops between taking the old one out of the way and putting the new one in its place.
  await rename(folder('deploy'), folder('.old-deploy'))
  await mkdir(folder('.new-abc'))
  expect(JSON.parse((await local.send({ path: `${base}/installed` })).text)).toMatchObject([
    { name: 'careful' },
    { name: 'deploy', intact: true },
  ])
  await rename(folder(), join(local.kernel.dataDir, 'moved'))
  await symlink(join(local.kernel.dataDir, 'moved'), folder())
  expect((await install('deploy')).json.error).toBe('SKILL_FOLDER_FOREIGN')
  expect((await lstat(folder())).isSymbolicLink()).toBe(true)
})

test('the table equals its rebuild', async () => {
  const model = local.kernel.use(readModel)
  const before = model.dump(local.kernel.pact)
  await model.rebuild()
  expect(model.dump(local.kernel.pact)).toBe(before)
})

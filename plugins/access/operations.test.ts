/** Tokens over HTTP: who may make them, and what they are worth. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { toys } from '../../test/support/toys.ts'

let local: Local
beforeAll(async () => {
  local = await openLocal([toys])
})
afterAll(() => local.dispose())

const issue = (body: object, token?: string) =>
  local.send({ method: 'POST', path: '/v1/tokens', body, ...(token ? { token } : {}) })

it('issues a limited token by alias, lists it without the secret, revokes it', async () => {
  const made = await issue({ pacts: ['test'], operations: ['toys.get'], access: 'read', lifetime: 60_000 })
  expect(made.status).toBe(201)
  const { token, info } = made.json as { token: string; info: { id: string } }
  expect(info).toMatchObject({ pacts: [local.kernel.pact.id], operations: ['toys.get'], access: 'read', main: false })
  const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(info).toMatchObject({ created: iso, expires: iso })
  expect((await local.send({ path: '/v1/pacts/test/toys/1', token })).status).toBe(200)
  expect((await local.send({ path: '/v1/pacts/test/toys', token })).status).toBe(403)
  const list = await local.send({ path: '/v1/tokens' })
  expect(list.json.entries).toHaveLength(2)
  expect(list.text).not.toContain(token)
  expect((await local.send({ method: 'DELETE', path: `/v1/tokens/${info.id}` })).json).toEqual({
    id: info.id,
    revoked: true,
  })
  expect((await local.send({ path: '/v1/pacts/test/toys/1', token })).status).toBe(401)
  const gone = await local.send({ method: 'DELETE', path: `/v1/tokens/${info.id}` })
  expect([gone.status, gone.json.error]).toEqual([404, 'TOKEN_UNKNOWN'])
})

it('names what is mistyped', async () => {
  const answers = await Promise.all([
    issue({ operations: ['toys.gte'] }),
    issue({ operations: ['toy.*'] }),
    issue({ pacts: ['tset'] }),
    issue({ agent: 'nobody-here' }),
    issue({ access: 'root' }),
    local.send({ method: 'DELETE', path: '/v1/tokens/zzz' }),
  ])
  expect(answers.map(({ status, json }) => [status, json.error])).toEqual([
    [404, 'OPERATION_UNKNOWN'],
    [404, 'OPERATION_UNKNOWN'],
    [404, 'PACT_UNKNOWN'],
    [404, 'AGENT_UNKNOWN'],
    [400, 'INVALID_INPUT'],
    [400, 'INVALID_INPUT'],
  ])
  expect(answers[0]!.json.help).toContain('"toys.get"')
  expect(answers[1]!.json.help).toContain('"toys.*"')
  expect(answers[2]!.json.help).toContain('"test"')
})

it('does not let a limited token make, list, revoke or rotate tokens', async () => {
  for (const limits of [{ operations: ['access.*'] }, { access: 'write' }, { pacts: ['test'] }]) {
    const { token } = (await issue(limits)).json as { token: string }
    expect((await issue({}, token)).status).toBe(403)
    expect((await local.send({ path: '/v1/tokens', token })).status).toBe(403)
    expect((await local.send({ method: 'POST', path: '/v1/tokens/rotate', token })).status).toBe(403)
  }
})

it('does not let the token of another agent make tokens', async () => {
  await local.kernel.identity.createAgent('codex')
  const { token } = (await issue({ agent: 'codex' })).json as { token: string }
  expect((await local.send({ path: '/v1/pacts/test/toys/1', token })).status).toBe(200)
  expect((await issue({}, token)).status).toBe(403)
})

it('rotates the main token', async () => {
  const old = local.token
  const answer = await local.send({ method: 'POST', path: '/v1/tokens/rotate' })
  expect(answer.json).toEqual({ token: local.token })
  expect(local.token).not.toBe(old)
  expect((await local.send({ path: '/v1/tokens', token: old })).status).toBe(401)
  expect((await local.send({ path: '/v1/tokens' })).status).toBe(200)
})

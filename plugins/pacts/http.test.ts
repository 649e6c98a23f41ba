// Operations on pacts themselves have the pact as a field of their path: over HTTP that is easily confused with the pact they run in.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import agents from '../agents/index.ts'
import devices from '../devices/index.ts'
import invites from '../invites/index.ts'
import pacts from './index.ts'

let local: Local
beforeAll(async () => {
  local = await openLocal([pacts, invites, devices, agents])
})
afterAll(() => local.dispose())

test('a pact is read and left by its path, and the query cannot name another', async () => {
  const post = (path: string, body: object) => local.send({ method: 'POST', path, body })
  expect((await post('/v1/pacts', { name: 'Second', alias: 'second' })).status).toBe(201)
  const info = await local.send({ path: '/v1/pacts/second' })
  expect([info.status, info.json.alias]).toEqual([200, 'second'])
  expect((await local.send({ path: '/v1/pacts/second?pactId=test' })).json.error).toBe('INVALID_INPUT')
  expect((await local.send({ path: '/v1/pacts/nope?pactId=test' })).status).toBe(400)
  expect((await local.send({ path: '/v1/pacts/nope' })).json.error).toBe('PACT_UNKNOWN')
  const left = await local.send({ method: 'DELETE', path: '/v1/pacts/second?force=true' })
  expect(left.status).toBe(200)
  expect((await local.send({ path: '/v1/pacts/second' })).json.error).toBe('PACT_UNKNOWN')
  expect((await local.send({ path: '/v1/pacts/test' })).json.alias).toBe('test')
})

test('a change of the charter that switches something off must be meant', async () => {
  const amend = (body: object) => local.send({ method: 'PATCH', path: '/v1/pacts/test/charter', body })
  expect((await amend({ rules: [] })).json.error).toBe('CHARTER_SWITCHES_OFF')
  expect((await amend({ types: [] })).json.error).toBe('CHARTER_SWITCHES_OFF')
  expect((await amend({ types: [], force: true })).status).toBe(200)
  expect((await amend({ types: null })).status).toBe(200)
  expect((await amend({ name: 'renamed' })).json).toMatchObject({ charter: { name: 'renamed' } })
})

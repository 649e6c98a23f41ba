import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { agentData, doorKey, doorTopic, joinData, meetingId, meetingProof, membersTopic } from './topics.ts'

const key = (n: number) => Buffer.alloc(32, n)

test('derivations are fixed: machines of other versions must find the same', () => {
  const hex = (value: Buffer) => value.toString('hex').slice(0, 16)
  expect(hex(doorKey(key(1)))).toMatchInlineSnapshot(`"a37655079294e2f5"`)
  expect(hex(doorTopic(key(1)))).toMatchInlineSnapshot(`"ada68f15fddc1202"`)
  expect(hex(membersTopic(key(1), key(2)))).toMatchInlineSnapshot(`"154d09f431d7b80d"`)
  expect(hex(joinData(key(1), key(2), key(3)))).toMatchInlineSnapshot(`"a0b19a2d46486bd2"`)
  expect(hex(agentData(key(1), key(2)))).toMatchInlineSnapshot(`"2bc4e73cb528bc5b"`)
  expect(hex(meetingId('tunnel', key(1), key(2)))).toMatchInlineSnapshot(`"b509aad761710809"`)
  expect(hex(meetingProof(key(1), key(2), true))).toMatchInlineSnapshot(`"d68ffd239d98939e"`)
})

test('nothing that is shown equals or leads to anything that is secret', () => {
  const secret = key(1)
  expect(doorTopic(secret)).toEqual(crypto.discoveryKey(doorKey(secret)))
  const derived = [
    secret,
    doorKey(secret),
    doorTopic(secret),
    crypto.discoveryKey(secret),
    membersTopic(secret, secret),
    meetingId('tunnel', secret, secret),
    meetingId('channel', secret, secret),
    meetingId('channel', secret, secret, 'x'),
    meetingId('door', secret, secret),
    meetingProof(secret, secret, true),
    meetingProof(secret, secret, false),
  ]
  expect(new Set(derived.map(value => value.toString('hex'))).size).toBe(derived.length)
})

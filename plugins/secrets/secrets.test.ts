import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import config from '../../openpact.config.ts'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { access } from '../access/service.ts'
import knowledge from '../knowledge/index.ts'
import { type Operation, operationPoint } from '../operations/operation.ts'
import { readModel } from '../read-model/service.ts'
import secrets from './index.ts'
import { loadScanner } from './scanner.ts'
import { textOf } from './text.ts'

let local: Local
const base = '/v1/pacts/test/knowledge'

beforeAll(async () => {
  local = await openLocal([knowledge, secrets])
})
afterAll(() => local.dispose())

const record = (body: object, headers: Record<string, string> = {}) =>
  local.send({ method: 'POST', path: base, body, headers })

/** Made of parts, so that nobody who searches this repository finds a secret. */
const github = `ghp_${'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'}`
const aws = `${'kVtQx7LmZr2Ys9DwPb4N'}c8HfJg6TqXe1Ra3UoMiE`
const key = [
  '-----BEGIN RSA PRIVATE ',
  `KEY-----\n${'MIIEowIBAAKCAQEA7bq1'.repeat(8)}\n-----END RSA PRIVATE `,
  'KEY-----',
].join('')
const slack = `xoxb-${'123456789012-1234567890123'}-${'AbCdEfGhIjKlMnOpQrStUvWx'}`
const database = `postgres://app:${'s3cr3tZ9x'}@db.internal:5432/orders`

test('a secret is refused with the name of its rule and is not repeated to anyone', async () => {
  const before = local.kernel.pact.length
  const cases: [string, object][] = [
    ['github: GITHUB_TOKEN', { topic: 'ci', content: `use ${github} for the release` }],
    ['github: GITHUB_TOKEN', { topic: `token ${github}`, content: 'in the topic' }],
    ['aws: AWSSecretAccessKey', { topic: 'aws', content: `aws_secret_access_key = ${aws}` }],
    ['slack: SLACK_TOKEN', { topic: 'slack', content: 'see source', source: slack }],
    ['database-connection-string: PostgreSQLConnection', { topic: 'db', content: `connect with ${database}.` }],
    ['pem: PrivateKey', { topic: 'ssh', content: `it begins\n${key}\nand ends` }],
    ['openpact: Token', { topic: 'ci', content: `the daemon's is openpact_${'aZ09_-'.repeat(8)}` }],
    ['openpact: Invite', { topic: 'ci', content: `join with op1${'abcdefg234567'.repeat(7)}` }],
    ['openpact: IdentityWords', { topic: 'ci', content: `our words: ${'abandon '.repeat(23)}art, keep them` }],
    ['openpact: IdentityWords', { topic: 'ci', content: `Way back:\n${'Abandon\n'.repeat(23)}art` }],
    ['openpact: WebhookSecret', { topic: 'ci', content: `whsec_${'MfKQ9r8G'.repeat(4)}` }],
    [
      'jwt: SignedToken',
      {
        topic: 'ci',
        content: `Bearer eyJ${'hbGciOiJIUzI1NiJ9'}.eyJ${'zdWIiOiIxMjM0NTY3ODkwIn0'}.${'dozjgNryP4J3jVmN'.repeat(2)}`,
      },
    ],
    ['pem: PrivateKey', { topic: 'ssh', content: `-----BEGIN EC ${'PRIVATE'} KEY-----\nMHcCAQEEIAbc` }],
    ['pem: PrivateKey', { topic: 'pgp', content: `-----BEGIN PGP ${'PRIVATE'} KEY BLOCK-----\n\nlQOYBF` }],
    ['google: ApiKey', { topic: 'ci', content: `key=AIza${'SyD3_-a'.repeat(5)}` }],
    ['gitlab: Token', { topic: 'ci', content: `glpat-${'x7Yz-'.repeat(4)}` }],
    ['huggingface: Token', { topic: 'ci', content: `hf_${'AbcdefGhijklmnOpq'.repeat(2)}` }],
    ['telegram: BotToken', { topic: 'ci', content: `bot 123456789:AA${'hX3_-9kLmQz'.repeat(3)}` }],
    [
      'discord: Webhook',
      { topic: 'ci', content: `https://discord.com/api/webhooks/${'1234567890'.repeat(2)}/${'aB3-_x'.repeat(11)}` },
    ],
    ['azure: AccountKey', { topic: 'ci', content: `AccountName=x;AccountKey=${'ab3+/Z'.repeat(14)}cd==;` }],
    ['stripe: LiveKey', { topic: 'ci', content: `sk_live_${'4eC39HqLyjWDarjtT1zd'}p7dc` }],
    // A comment that secretlint itself would obey.
    ['github: GITHUB_TOKEN', { topic: 'ci', content: `secretlint-disable\n${github}` }],
  ]
  for (const [rule, body] of cases) {
    const { status, json, text } = await record(body)
    expect([status, json.error]).toEqual([422, 'SECRET_FOUND'])
    expect(json.message).toContain(rule)
    for (const secret of [github, aws, slack, database, 'MIIEow']) expect(text).not.toContain(secret)
  }
  expect(local.kernel.pact.length).toBe(before)
})

test('the author may override it, and the entry says so for good', async () => {
  const headers = { 'idempotency-key': 'rotated' }
  const body = { topic: 'ci', content: `rotated, so no secret any more: ${github}` }
  expect((await record(body, headers)).json.error).toBe('SECRET_FOUND')
  const { status, json } = await record({ ...body, allow_secret: true }, headers)
  expect(status).toBe(201)
  expect(json).toMatchObject({ secret_allowed: true, payload: { content: body.content } })
  expect(json.payload).not.toHaveProperty('allow_secret')
  await local.kernel.use(readModel).rebuild()
  const listed = (await local.send({ path: `${base}?topic=ci` })).json.entries as Record<string, unknown>[]
  expect(listed).toMatchObject([{ id: json.id, secret_allowed: true }])
  const plain = await record({ topic: 'other', content: `nothing to hide ${'abandon '.repeat(24)}` })
  expect(plain.json).not.toHaveProperty('secret_allowed')
})

test('the override of a run is seen beside which run it is', async () => {
  const cause = { entry: '0badcafe-1', hops: 1, run: '0123456789abcdef'.repeat(2) }
  const { token } = await local.kernel
    .use(access)
    .issue({ agent: local.kernel.identity.defaultAgent.name, access: 'write', cause })
  const body = { topic: 'ci', content: github, allow_secret: true }
  const { json } = await local.send({ method: 'POST', path: base, body, token })
  expect(json).toMatchObject({ secret_allowed: true, run: cause.run, caused_by: cause.entry, hops: 1 })
})

test('the override is offered where an entry is signed, and nowhere else', () => {
  const offering = (config.plugins as { contributes?: { point: string; value: unknown }[] }[])
    .flatMap(({ contributes = [] }) => contributes.filter(({ point }) => point === operationPoint.id))
    .map(({ value }) => value as Operation)
    .filter(({ input }) => JSON.stringify(input).includes('"allow_secret"'))
    .map(({ name }) => name)
  expect(offering.sort()).toEqual([
    'invites.create',
    'knowledge.record',
    'messages.send',
    'pacts.amend',
    'pacts.enable_rules',
    'pacts.indexers',
    'pacts.role',
    'skills.publish',
    'tasks.claim',
    'tasks.complete',
    'tasks.create',
    'tasks.release',
    'tasks.renew',
  ])
})

test('what is written past the operations is looked over as well: keys, lists, references', async () => {
  const { pact } = local.kernel
  const drafts = [
    { type: 'knowledge', payload: { content: 'x', more: [{ deep: [github] }] } },
    { type: 'knowledge', payload: { content: 'x', [github]: 1 } },
    { type: 'knowledge', payload: { content: 'x' }, origin: github },
    { type: 'knowledge', payload: { content: 'x', aws_secret_access_key: aws } },
  ]
  for (const draft of drafts) await expect(pact.append([draft])).rejects.toMatchObject({ code: 'SECRET_FOUND' })
  const cyclic: Record<string, unknown> = { content: 'x' }
  cyclic.self = cyclic
  await expect(pact.append([{ type: 'knowledge', payload: cyclic }])).rejects.toMatchObject({ code: 'PAYLOAD_INVALID' })
  expect(textOf({ type: 'note', payload: Buffer.from(github), enc: 'box' })).not.toContain(github)
})

test('normal technical text is let through', async () => {
  const scan = await loadScanner()
  const hex = 'd670460b4b4aece5915caf5c68d12f560a9fe3e4'
  const harmless = [
    `commit ${hex}; sha256 ${hex}${hex.slice(0, 24)}; id 7f2d1a0b-12; 550e8400-e29b-41d4-a716-446655440000`,
    'integrity sha512-1q2w3e4r5t6y7u8i9o0pAsDfGhJkLzXcVbNm1q2w3e4r5t6y7u8i9o0pAsDfGhJkLzXcVbNm+/ABCDEFGHIJKL==',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1sJ8l5Qy0fVq1ydB1ZtB1C3nRkWlqYw0v9dFZcP2aX ci@example',
    '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----',
    '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ0\n-----END CERTIFICATE-----',
    'Set GITHUB_TOKEN, e.g. export GITHUB_TOKEN=<your token>; it starts with ghp_ and has 36 characters after that.',
    'Authorization: Bearer $TOKEN; curl -u "$USER:$PASSWORD" https://api.example.com/v1/items?limit=10',
    'postgres://user:password@localhost:5432/app, mysql://root:root@127.0.0.1/test, mongodb://localhost:27017/db',
    `DATABASE_URL=postgres://\${DB_USER}:\${DB_PASS}@db:5432/app`,
    `//registry.npmjs.org/:_authToken=\${NPM_TOKEN}`,
    'aws_access_key_id and aws_secret_access_key belong into ~/.aws/credentials; arn:aws:iam::123456789012:role/deploy',
    'const password = await prompt("Password: ")\nif (!password) throw new Error("no password")',
    'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0. is a JWT without a signature',
    'sk-learn, sk_test and pk_live are prefixes; AKIA is how key ids begin; xoxb- is how Slack tokens begin',
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'git clone https://github.com/org/repo.git && git log --format=%H | head -1',
    'https://user@example.com:8443/path?token=REDACTED&password=***',
    'The test fails at line 42: expected 200, got 401 (unauthorized). See https://ci.example.com/job/123/console.',
  ]
  for (const text of harmless) expect([text, scan(text)]).toEqual([text, null])
})

test('the texts of this project are let through', async () => {
  const scan = await loadScanner()
  const root = new URL('../../', import.meta.url).pathname
  const files = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(name => join('docs', name))
  const named = [...files, 'README.md', 'CHANGELOG.md', 'package-lock.json'].filter(name => /\.(md|json)$/.test(name))
  expect(named.length).toBeGreaterThan(5)
  for (const name of named) expect([name, scan(readFileSync(join(root, name), 'utf8'))]).toEqual([name, null])
})

test('64 KiB of the worst text take no longer than a fraction of a second', async () => {
  const scan = await loadScanner()
  const parts = [
    'a',
    '=',
    '\n',
    ' ',
    'A1',
    '-----BEGIN PRIVATE KEY',
    '://a:b@',
    'http://aa:bbbb@',
    'mongodb://a:b',
    'ops_ey',
    'AWS_SECRET',
  ]
  const more = [
    'sk-',
    'sk-proj-',
    'xoxb-1',
    'eyJ',
    'ghp_',
    'secretlint-disable ',
    'SG.',
    '//a/:_authToken=',
    'é',
    '\u0000',
    'lin_api_',
    'npm_',
  ]
  for (const part of [...parts, ...more]) {
    const started = performance.now()
    scan(part.repeat(Math.ceil(65_536 / part.length)))
    expect([part, performance.now() - started < 500]).toEqual([part, true])
  }
})

/** What one can do about losing a machine: keep an archive, read what came out of one, carry a pact on. */
import { mkdir } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { ACCEPTED, decodeRecord, handleOf, OpenPactError, Type } from '../../kernel/index.ts'
import { ownerOnly } from '../access/permits.ts'
import { operation } from '../operations/operation.ts'
import { Alias } from '../pacts/shapes.ts'
import { decodeCursor, encodeCursor, readModel } from '../read-model/service.ts'
import { PageInput } from '../read-model/wire.ts'
import { store } from '../store/service.ts'
import { ArchivedLogs } from './archived.ts'
import { archiveName } from './schedule.ts'
import { refounding } from './service.ts'
import { writeBackup } from './written.ts'

const Passphrase = Type.String({ minLength: 1, maxLength: 1000, description: 'At least 8 characters; several words' })
const PactRef = Type.String({ minLength: 1, maxLength: 64, description: 'Alias or id of the pact' })

const Contents = {
  contents: Type.Integer({ description: 'Contents beside entries (large skills) that came along' }),
  contents_missing: Type.Integer({ description: 'Contents that entries name but that are not on this machine' }),
}

export const createBackup = operation({
  name: 'backup.create',
  summary: 'Write identity, keys, configuration, local data and the log of every pact into an encrypted archive',
  description: 'The archive alone, without its passphrase, is worth nothing; both together are this machine.',
  http: 'POST /backup',
  scope: 'daemon',
  access: 'admin',
  created: true,
  input: Type.Object({
    passphrase: Passphrase,
    file: Type.Optional(
      Type.String({
        maxLength: 4096,
        description: 'Absolute path; a name with the time in backups/ of the data directory',
      }),
    ),
  }),
  output: Type.Object({
    file: Type.String(),
    bytes: Type.Integer(),
    pacts: Type.Integer(),
    waiting: Type.Integer({ description: 'Pacts of an earlier archive that no member has let this machine into' }),
    left_out: Type.Array(Type.String(), {
      description: 'Ids of pacts that cannot be opened: nothing of them is in it',
    }),
    plugin_files: Type.Integer({ description: 'Files of plugins that lie in the data directory' }),
    plugins_left_out: Type.Array(Type.Object({ plugin: Type.String(), reason: Type.String(), help: Type.String() }), {
      description: 'Plugins of the configuration that a restored machine must be given by hand',
    }),
    ...Contents,
  }),
  errors: [
    ...['PASSPHRASE_WEAK', 'ARCHIVE_EXISTS', 'ARCHIVE_UNFINISHED', 'ARCHIVE_UNREADABLE'],
    ...['BACKUP_PARTIAL', 'LOG_UNPROVEN', 'DISK_FULL'],
  ],
  async run({ passphrase, file }, call) {
    // The archive holds the identity and the main token, and the caller chooses its passphrase.
    ownerOnly(call, 'make a backup')
    if (file !== undefined && !isAbsolute(file))
      throw new OpenPactError('INVALID_INPUT', { reason: 'file: an absolute path is wanted' })
    const folder = join(call.kernel.dataDir, 'backups')
    if (file === undefined) await mkdir(folder, { recursive: true, mode: 0o700 })
    const target = file ?? join(folder, archiveName(Date.now()))
    const written = await writeBackup(call.kernel, call.use(store), target, passphrase)
    return { file: target, pacts: call.kernel.pacts.list().length, ...written }
  },
})

export const listArchived = operation({
  name: 'backup.pacts',
  summary: 'List the pacts that came out of a restored archive, and whether a member has let this machine in again',
  http: 'GET /backup/pacts',
  scope: 'daemon',
  access: 'admin',
  input: Type.Object({}),
  output: Type.Object({
    entries: Type.Array(
      Type.Object({
        id: Type.String(),
        alias: Type.String(),
        entries: Type.Integer(),
        state: Type.Enum(['waiting', 'joined', 'refounded']),
      }),
    ),
    cursor: Type.Null(),
    has_more: Type.Literal(false),
  }),
  cli: { path: 'backup pacts', columns: ['alias', 'entries', 'state', 'id'] },
  run: (_input, call) => ({
    entries: new ArchivedLogs(call.use(store)).list().map(({ id, alias, length, state }) => {
      // By an invite, too: then it was not this plugin that joined it.
      const joined = state === 'waiting' && call.kernel.pacts.find(id) !== null
      return { id, alias, entries: length, state: joined ? ('joined' as const) : state }
    }),
    cursor: null,
    has_more: false as const,
  }),
})

export const listArchivedEntries = operation({
  name: 'backup.entries',
  summary: 'Read the entries of a pact as the restored archive has them, newest first',
  http: 'GET /backup/pacts/:archived/entries',
  scope: 'daemon',
  access: 'admin',
  input: Type.Object({
    archived: PactRef,
    limit: PageInput.limit,
    cursor: PageInput.cursor,
  }),
  output: Type.Object({
    entries: Type.Array(
      Type.Object({
        id: Type.String(),
        type: Type.String(),
        topic: Type.String(),
        payload: Type.Unknown(),
        author: Type.String(),
        timestamp: Type.String(),
        verdict: Type.String(),
        position: Type.Integer(),
        live: Type.Boolean({ description: 'It stands in the pact of this machine too' }),
      }),
    ),
    cursor: Type.Union([Type.String(), Type.Null()]),
    has_more: Type.Boolean(),
  }),
  errors: ['ARCHIVED_UNKNOWN', 'CURSOR_INVALID'],
  cli: { path: 'backup entries', args: ['archived'], columns: ['id', 'type', 'topic', 'author', 'timestamp', 'live'] },
  run({ archived, limit = 50, cursor }, call) {
    const logs = new ArchivedLogs(call.use(store))
    const pact = logs.find(archived)
    if (!pact) throw new OpenPactError('ARCHIVED_UNKNOWN', { pact: archived })
    const before = cursor === undefined ? pact.length : decodeCursor(cursor)?.[0]
    if (typeof before !== 'number') throw new OpenPactError('CURSOR_INVALID')
    const here = call.kernel.pacts.find(pact.id)
    const rows = logs.before(pact.id, before, limit + 1)
    const entries = rows.slice(0, limit).map(({ position, block }) => {
      const { id, verdict, entry } = decodeRecord(position, block)
      const key = entry?.agent.toString('hex') ?? ''
      const agent = logs.agent(pact.id, key)
      return {
        id,
        type: entry?.type ?? '',
        topic: entry?.topic ?? '',
        payload: entry && !entry.enc ? parsed(entry.payload, verdict) : null,
        author: agent ? handleOf(agent.name, key) : '',
        timestamp: new Date(entry?.timestamp ?? 0).toISOString(),
        verdict,
        position,
        live: here !== null && call.use(readModel).entry(here, id) !== null,
      }
    })
    const has_more = rows.length > limit
    return {
      entries,
      cursor: has_more ? encodeCursor([(entries.at(-1) as { position: number }).position]) : null,
      has_more,
    }
  },
})

function parsed(payload: Buffer, verdict: string): unknown {
  try {
    return JSON.parse(payload.toString('utf8')) as unknown
  } catch {
    return verdict === ACCEPTED ? payload.toString('base64') : null
  }
}

export const refoundPact = operation({
  name: 'backup.refound',
  summary: 'Carry a pact on whose indexers are gone for good: a new pact that imports its whole log',
  description:
    'Entries keep their ids, authors, verdicts and signatures. The others must be invited again. Takes the pact that is open here, or the log of a restored archive. One that was cut short goes on.',
  http: 'POST /refound',
  scope: 'daemon',
  access: 'admin',
  created: true,
  input: Type.Object({
    pact: PactRef,
    alias: Type.Optional(Alias),
    force: Type.Optional(Type.Boolean({ description: 'Those who confirmed its entries are gone for good' })),
  }),
  output: Type.Object({
    id: Type.String(),
    alias: Type.String(),
    of: Type.String(),
    entries: Type.Integer(),
    ...Contents,
  }),
  errors: [
    ...['PACT_UNKNOWN', 'PACTS_NAMESAKE', 'PACT_EXISTS', 'REFOUND_NEEDLESS', 'REFOUND_UNSURE', 'REFOUND_DONE'],
    ...['BACKUP_PARTIAL', 'ENTRY_REFUSED', 'DISK_FULL'],
  ],
  cli: {
    path: 'refound',
    args: ['pact'],
    after:
      'Contents of large skills attached again: {contents}; not on this machine, so left out: {contents_missing}. ' +
      'Invite the others again; subscriptions and installed skills stay with the old pact.',
  },
  async run({ pact: wanted, ...options }, call) {
    ownerOnly(call, 'refound a pact')
    const { pact, of, entries, contents, contents_missing } = await call.use(refounding).refound(wanted, options)
    return { id: pact.id, alias: pact.alias, of, entries, contents, contents_missing }
  },
})

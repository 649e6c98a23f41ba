/** `openpact backup` and `openpact restore`: an encrypted archive of this machine, and the way back from it. */
import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import type { LeftOut } from '../../plugins/backup/plugin-files.ts'
import { refuseNearVerb } from '../near-verb.ts'
import { readSecret } from '../secret.ts'
import type { Session } from '../session.ts'

/** ms that writing an archive may take without a word from the daemon. */
const LIMIT = 3_600_000

interface Written {
  file: string
  bytes: number
  pacts: number
  waiting: number
  left_out: string[]
  contents: number
  contents_missing: number
  plugin_files: number
  plugins_left_out: LeftOut[]
}

export function backupCommand(program: Command, session: () => Session): void {
  const backup = program
    .command('backup')
    .summary('write an encrypted archive of this machine')
    .description(
      'Write identity, keys, configuration, local data and the log of every pact into one encrypted file. The passphrase is asked for, or read from stdin.',
    )
    .argument('[file]', 'file to write; by default a new one in backups/ of the data directory')
    .action((file: string | undefined) => {
      refuseNearVerb(backup, 'If it is the file: give it with its folder: ./name.')
      return write(session(), file)
    })
  backup
    .command('verify')
    .summary('check an archive without restoring it')
    .description(
      'Read an archive from its first to its last byte and verify every signature in it. Changes nothing; needs no daemon.',
    )
    .argument('<file>', 'the archive')
    .action((file: string) => verify(session(), file))
}

export function restoreCommand(program: Command, session: () => Session): void {
  program
    .command('restore')
    .summary('restore a machine from an archive')
    .description(
      'Restore an archive into an empty data directory (--data-dir): the same identity as a new device. Needs no daemon. The passphrase is asked for, or read from stdin.',
    )
    .argument('<file>', 'the archive')
    .action((file: string) => restore(session(), file))
}

async function write(shell: Session, file: string | undefined): Promise<void> {
  const passphrase = await readSecret('Passphrase for the archive: ')
  const body = { passphrase, ...(file === undefined ? {} : { file: resolve(file) }) }
  const { body: written } = await shell.withDaemon(client =>
    shell.progress('Writing the archive', () => client.post<Written>('/v1/backup', body, { timeout: LIMIT })),
  )
  shell.say(
    `Wrote ${written.file}: ${counted(written.pacts, written.waiting)}, ${written.bytes} bytes. Keep its passphrase elsewhere.${missing(written)}`,
    written,
  )
}

/** Before a passphrase is asked for it. @throws OpenPactError ARCHIVE_UNREADABLE */
function checkFile(file: string): void {
  try {
    accessSync(file, constants.R_OK)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new OpenPactError('ARCHIVE_UNREADABLE', { file, reason }, { cause })
  }
}

async function verify(shell: Session, file: string): Promise<void> {
  const { readArchive } = await import('../../plugins/backup/archive.ts')
  checkFile(file)
  const passphrase = await readSecret('Passphrase of the archive: ')
  const report = await shell.progress('Verifying the archive', () => readArchive(file, passphrase))
  const pacts = [
    ...report.pacts.map(pact => `  ${pact.alias}: ${pact.entries} entries`),
    ...report.waiting.map(pact => `  ${pact.alias}: ${pact.entries} entries, waits for a member`),
  ]
  const head = `The archive of ${report.created} is whole: every record continues its chain and is signed.`
  shell.say([head, ...pacts].join('\n') + missing(report), report)
}

async function restore(shell: Session, file: string): Promise<void> {
  const { restoreArchive } = await import('../../plugins/backup/restore.ts')
  checkFile(file)
  const passphrase = await readSecret('Passphrase of the archive: ')
  const { dataDir } = shell.place
  const report = await shell.progress('Restoring', () => restoreArchive(file, passphrase, dataDir))
  shell.say(
    `Restored ${counted(report.pacts.length, report.waiting.length)} into ${dataDir}, as a new device of the same identity.\n` +
      'Start the daemon with `openpact start`: any member that is online lets it in again; `openpact backup pacts` shows how that stands.\n' +
      'Then retire the old device: `openpact devices`, `openpact device retire <writer>`, with `--indexers` where it confirmed entries. A pact that nobody else can confirm is carried on with `openpact refound <pact> --force`.\n' +
      'Tokens hold here as they did on the old machine; if they may be in other hands: `openpact token list`, `openpact token rotate`.\n' +
      `Subscriptions work again once their pact is joined; they do not move to a refounded one. Installed skills are not in an archive: install them again.${missing(report)}`,
    report,
  )
}

function counted(pacts: number, waiting: number): string {
  return waiting === 0 ? `${pacts} pacts` : `${pacts} pacts and ${waiting} that wait for a member`
}

/** Says what an archive had to leave out. */
function missing({
  contents_missing: count,
  left_out,
  plugins_left_out: plugins,
}: Pick<Written, 'contents_missing' | 'left_out' | 'plugins_left_out'>): string {
  const contents =
    count === 0
      ? ''
      : `\nThe contents of ${count} large skills are not in it: they were not on this machine when it was written. Their entries are.`
  const unopened = left_out.map(id => id.slice(0, 12)).join(', ')
  const pacts = unopened && `\nNOT in it: ${unopened}, which could not be opened; \`openpact doctor\` says why.`
  const own = plugins.map(({ plugin, reason, help }) => `\nNOT in it: plugin ${plugin}: ${reason}. ${help}`)
  return [contents, pacts, ...own].join('')
}

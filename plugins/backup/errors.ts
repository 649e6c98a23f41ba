/** Codes about archives, restoring and refounding. */
import { defineErrors } from '../../kernel/index.ts'

export const backupErrors = defineErrors({
  PASSPHRASE_WEAK: {
    kind: 'invalid',
    message: 'The passphrase has fewer than {least} characters.',
    help: 'Use several words; whoever has the archive and guesses it has your identity.',
  },
  PASSPHRASE_WRONG: {
    kind: 'forbidden',
    message: 'The passphrase does not open this archive.',
    help: 'Type it again; without it nobody can read the archive, and your 24 words with an invite are the other way back.',
  },
  ARCHIVE_UNKNOWN: {
    kind: 'unprocessable',
    message: 'The file {file} is no OpenPact archive: {reason}.',
    help: 'Name the file that "openpact backup" wrote on the machine that was backed up.',
  },
  ARCHIVE_NEWER: {
    kind: 'unprocessable',
    message: 'The archive was written by a newer OpenPact (format {found}; this one knows {known}).',
    help: 'Install that version or a newer one.',
  },
  ARCHIVE_TRUNCATED: {
    kind: 'unprocessable',
    message: 'The archive {file} ends too early.',
    help: 'It was not copied whole, or the disk was full. Copy it again or use an older one. Nothing was changed.',
  },
  ARCHIVE_DAMAGED: {
    kind: 'unprocessable',
    message: 'The archive {file} was altered: {reason}.',
    help: 'Copy it again or use an older one. Nothing was changed.',
  },
  ARCHIVE_EXISTS: {
    kind: 'conflict',
    message: 'The file {file} exists already.',
    help: 'Choose another name; a backup never replaces a file.',
  },
  ARCHIVE_UNFINISHED: {
    kind: 'conflict',
    message: 'The file {file} is there: another backup is writing it, or one was cut short.',
    help: 'If no backup is running, delete it and try again; nobody can restore from it. Or choose another name.',
  },
  ARCHIVE_UNREADABLE: {
    kind: 'invalid',
    message: 'The file {file} cannot be used: {reason}.',
    help: 'Check its name and its permissions, and whether the disk has room.',
  },
  LOG_UNPROVEN: {
    kind: 'unprocessable',
    message: 'The record {position} of the exported log does not hold: {reason}.',
    help: 'The archive was altered, or made from a damaged pact. Use another one.',
  },
  BACKUP_PARTIAL: {
    kind: 'unavailable',
    message: 'The history of the pact "{pact}" is not all on this machine yet: {have} of {of} entries.',
    help: 'Wait until it was fetched; `openpact status` shows how far it is. A member must be online.',
  },
  RESTORE_NOT_EMPTY: {
    kind: 'conflict',
    message: 'The directory {dir} is not empty.',
    help: 'Restore into an empty one with --data-dir; an archive is never laid over what is there.',
  },
  PACTS_NAMESAKE: {
    kind: 'conflict',
    message: 'Two pacts are called "{pact}": one that is open ({open}), and one out of an archive ({archived}).',
    help: 'Name the one that you mean by its id.',
  },
  REFOUND_NEEDLESS: {
    kind: 'conflict',
    message: 'The pact "{pact}" goes on by itself: those who confirm its entries are online.',
    help: 'Refound only when they are gone for good; then use `--force` (`"force": true`).',
  },
  REFOUND_UNSURE: {
    kind: 'conflict',
    message: 'Whether the pact "{pact}" is lost cannot be seen from here: {seen}',
    help: 'Its machines may only be off, and a pact and the one that carries it on are never merged again. If they are gone for good, use `--force` (`"force": true`).',
  },
  REFOUND_DONE: {
    kind: 'conflict',
    message: 'The pact "{pact}" is carried on already, by "{by}" ({id}).',
    help: 'Go on there. To carry the old one on once more, use `--force` (`"force": true`).',
  },
  ARCHIVED_UNKNOWN: {
    kind: 'missing',
    message: 'No pact called "{pact}" came out of a restored archive here.',
    help: '`openpact backup pacts` lists those that did; `openpact entries` shows what a pact of this machine holds.',
  },
})

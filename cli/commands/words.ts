/** `openpact words`: the 24 words of the identity, with which it can be made anew on another machine. Never over HTTP. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { readSecret } from '../../kernel/identity/vault.ts'
import type { Place } from '../place.ts'
import type { Session } from '../session.ts'

export function wordsCommand(program: Command, session: () => Session): void {
  program
    .command('words')
    .summary('show the 24 words of your identity')
    .description(
      'Show the 24 words of your identity. Whoever has them is you: write them down, and keep them from others and from agents. `openpact init --restore-identity` takes them on another machine; an invite or a device link then leads back into a pact.',
    )
    .action(async () => {
      const shell = session()
      if (!hasIdentity(shell.place)) throw new OpenPactError('IDENTITY_NONE', { dir: shell.place.dataDir })
      const { mnemonic } = await readSecret(identityFile(shell.place), 'identity.json')
      shell.say(String(mnemonic), { words: mnemonic })
    })
}

export function hasIdentity(place: Place): boolean {
  return existsSync(identityFile(place))
}

function identityFile({ dataDir }: Place): string {
  return join(dataDir, 'identity', 'identity.json')
}

/** A verb that is mistyped where a text or a file may stand as well. */
import type { Command } from 'commander'
import { OpenPactError } from '../kernel/errors.ts'
import { near } from '../kernel/host/near.ts'

/**
 * A lone word that is nearly a verb of the command is taken for a slip: what is written by it stays.
 * @param instead how the word itself can be given
 * @throws OpenPactError USAGE
 */
export function refuseNearVerb(command: Command, instead: string): void {
  const [word, ...more] = command.args
  if (word === undefined || more.length > 0 || /[\s/.]/.test(word)) return
  const meant = near(
    word,
    command.commands.map(verb => verb.name()),
  )
  if (meant)
    throw new OpenPactError('USAGE', { reason: `"${word}" is no verb of "${command.name()}".${meant}`, hint: instead })
}

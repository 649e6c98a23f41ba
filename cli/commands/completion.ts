/** `openpact completion`: words for the shell, those of plugins included. */
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { completionScript, placesOf, type Shell, shells } from '../completion.ts'
import type { Session } from '../session.ts'

export function completionCommand(program: Command, session: () => Session): void {
  program
    .command('completion')
    .summary('print a completion script for bash, zsh or fish')
    .description(
      'Print a completion script. Load it with one of\n' +
        '  eval "$(openpact completion bash)"      in ~/.bashrc\n' +
        '  eval "$(openpact completion zsh)"       in ~/.zshrc, after compinit\n' +
        '  openpact completion fish | source       in ~/.config/fish/config.fish',
    )
    .argument('<shell>', shells.join(', '))
    .action((shell: string) => {
      if (!(shells as readonly string[]).includes(shell)) {
        throw new OpenPactError('USAGE', {
          reason: `there is no completion for "${shell}"`,
          hint: `Choose one of ${shells.join(', ')}.`,
        })
      }
      session().write(completionScript(shell as Shell, placesOf(program)))
    })
}

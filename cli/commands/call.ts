/** `openpact call`: any operation of the daemon by its name, also those that have no verb of their own. */
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { near } from '../../kernel/host/near.ts'
import { runOperation } from '../generated.ts'
import { knownOperations } from '../known-operations.ts'
import type { Session } from '../session.ts'
import { parseJson } from '../typed.ts'

export function callCommand(program: Command, session: () => Session): void {
  program
    .command('call')
    .summary('call any operation by its name')
    .description(
      'Call any operation by its name. Without a name: list them all. Its input is what programs give: spans of time are whole numbers of ms.',
    )
    .argument('[operation]', 'name of the operation, e.g. tasks.list')
    .argument('[input]', 'its input as JSON, e.g. \'{"limit":5}\'')
    .action(async (name: string | undefined, text: string | undefined) => {
      const shell = session()
      const operations = await knownOperations(shell)
      if (name === undefined) {
        const rows = operations.map(({ cli, method, path, ...rest }) => ({
          ...rest,
          verb: cli?.path,
          route: `${method} ${path}`,
        }))
        shell.print(shell.json ? { entries: operations } : rows, ['name', 'verb', 'route', 'summary'])
        return
      }
      const operation = operations.find(each => each.name === name)
      if (!operation) {
        const hint = `\`openpact call\` lists all.${near(
          name,
          operations.map(each => each.name),
        )}`
        throw new OpenPactError('USAGE', { reason: `there is no operation "${name}"`, hint })
      }
      const input = text === undefined ? {} : parseJson('the input', text)
      if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        throw new OpenPactError('USAGE', {
          reason: 'the input is no JSON object',
          hint: 'It looks like \'{"name":"value"}\'.',
        })
      }
      await runOperation(operation, input as Record<string, unknown>, shell)
    })
}

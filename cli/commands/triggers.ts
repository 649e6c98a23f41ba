/** `openpact triggers approve`: shows what a trigger starts and for whom, and asks whether that is meant. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import type { Session } from '../session.ts'

/** What `POST /v1/triggers/:id/approve` answers, as far as it is looked at here. */
interface Shown {
  id: string
  approved: boolean
  hash: string
}

interface Wish {
  hash?: string
  roles?: string[]
  authors?: string[]
}

export function triggersCommand(program: Command, session: () => Session): void {
  const repeated = (value: string, before: string[] = []) => [...before, value]
  program
    .command('triggers')
    .helpGroup('Verbs of plugins:')
    .command('approve')
    .summary('show exactly what a trigger starts and for whom, and approve it')
    .description(
      'Show exactly what a trigger starts and for whom, ask whom else it should fire for, and approve it. Without a terminal nothing is asked: give the hash that was shown.',
    )
    .argument('<id>', 'id of the trigger')
    .option('--hash <hash>', 'approve what was shown with this hash, without a question')
    .option('--roles <role>', 'also fire for holders of this role; repeat the flag for more than one', repeated)
    .option(
      '--authors <key>',
      'also fire for this key of an agent or identity; repeat the flag for more than one',
      repeated,
    )
    .action((id: string, wish: Wish) => approve(session(), id, wish))
}

async function approve(shell: Session, id: string, { hash, roles = [], authors = [] }: Wish): Promise<void> {
  const client = shell.client()
  const ask = async (body: object) => {
    const work = () => client.post<Shown>(`/v1/triggers/${encodeURIComponent(id)}/approve`, body)
    return (await shell.progress('Asking the daemon', work)).body
  }
  if (hash !== undefined) return shell.print(await ask({ hash, roles, authors }))
  const shown = await ask({ roles, authors })
  shell.print(shown)
  if (shell.json || !process.stdin.isTTY) return
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const closed = once(terminal, 'close').then(() => Promise.reject(new OpenPactError('INTERRUPTED')))
  const answer = (question: string) => Promise.race([terminal.question(question), closed])
  try {
    const others = await answer(
      '\nWhom else should it fire for? Keys, or role:<name>, with spaces between; empty for nobody else: ',
    )
    const words = others.split(/\s+/).filter(Boolean)
    const more = {
      roles: [...roles, ...words.filter(word => word.startsWith('role:')).map(word => word.slice(5))],
      authors: [...authors, ...words.filter(word => !word.startsWith('role:'))],
    }
    if (words.length > 0) shell.print(await ask(more))
    if (!/^y(es)?$/i.test((await answer('Approve exactly this? [y/N] ')).trim())) throw new OpenPactError('INTERRUPTED')
    shell.print(await ask({ hash: shown.hash, ...more }))
  } finally {
    closed.catch(() => {})
    terminal.close()
  }
}

/** `openpact triggers approve`: shows what a trigger starts and for whom, and asks whether that is meant. */
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { generatedGroup } from '../generated.ts'
import type { Session } from '../session.ts'

/** What `POST /v1/triggers/:id/approve` answers, as far as it is looked at here. */
interface Shown {
  hash: string
  /** The command that comes next. */
  next: string
  roles: string[]
  authors: string[]
}

interface Wish {
  hash?: string
  roles?: string[]
  authors?: string[]
  nobodyElse?: boolean
}

export function triggersCommand(program: Command, session: () => Session): void {
  const repeated = (value: string, before: string[] = []) => [...before, value]
  program
    .command('triggers')
    .helpGroup(generatedGroup)
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
    .option('--nobody-else', 'fire for nobody but whom the file names, whatever was approved before')
    .action((id: string, wish: Wish) => approve(session(), id, wish))
}

async function approve(shell: Session, id: string, { hash, roles, authors, nobodyElse }: Wish): Promise<void> {
  const client = shell.client()
  const ask = async (body: object) => {
    const work = () => client.post<Shown>(`/v1/triggers/${encodeURIComponent(id)}/approve`, body)
    const shown = (await shell.progress('Asking the daemon', work)).body
    return { ...shown, next: shell.hinting(shown.next) }
  }
  const wish = nobodyElse ? { roles: roles ?? [], authors: authors ?? [] } : { roles, authors }
  if (hash !== undefined) return shell.print(await ask({ hash, ...wish }))
  let shown = await ask(wish)
  shell.print(shown)
  if (shell.json || !process.stdin.isTTY) return
  const terminal = new Terminal()
  try {
    const others = await terminal.answer(
      '\nWhom else should it fire for? Keys, or role:<name>, with spaces between; empty for nobody else: ',
    )
    const words = others.split(/\s+/).filter(Boolean)
    if (words.length > 0) {
      const roleWords = words.filter(word => word.startsWith('role:')).map(word => word.slice(5))
      const keys = words.filter(word => !word.startsWith('role:'))
      shown = await ask({ roles: [...shown.roles, ...roleWords], authors: [...shown.authors, ...keys] })
      shell.print(shown)
    }
    const yes = await terminal.answer('Approve exactly this? [y/N] ')
    if (!/^y(es)?$/i.test(yes.trim())) throw new OpenPactError('INTERRUPTED')
    shell.print(await ask({ hash: shown.hash, roles: shown.roles, authors: shown.authors }))
  } finally {
    terminal.close()
  }
}

/** Asks one question after the other. Lines that come early, pasted together, are kept for the questions to come. */
class Terminal {
  readonly #terminal = createInterface({ input: process.stdin, output: process.stderr })
  readonly #lines = this.#terminal[Symbol.asyncIterator]()
  #open = true

  constructor() {
    this.#terminal.once('close', () => {
      this.#open = false
    })
  }

  /** @throws OpenPactError INTERRUPTED when nobody answers any more: Ctrl-C, Ctrl-D, the end of the input */
  async answer(question: string): Promise<string> {
    this.#terminal.setPrompt(question)
    if (this.#open) this.#terminal.prompt()
    else process.stderr.write(question)
    const { value, done } = await this.#lines.next()
    if (done) throw new OpenPactError('INTERRUPTED')
    return value
  }

  close(): void {
    this.#terminal.close()
  }
}

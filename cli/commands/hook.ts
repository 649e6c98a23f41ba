/**
 * `openpact hook claude-code`: called by Claude Code when a session starts and with each prompt. It says what is new, once, labelled and
 * short. Whatever goes wrong, it says nothing and ends well: no prompt waits for OpenPact.
 */
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { OpenPactError } from '../../kernel/errors.ts'
import { asFailure, renderFailure } from '../errors.ts'
import type { Session } from '../session.ts'

/** Tokens of the digest; with what stands around it, what is injected stays under 400. */
const TOKENS = 385
/** ms */
const PATIENCE = 4000

interface Digest {
  notice: string
  items: unknown[]
  more: number
}

export function hookCommand(program: Command, session: () => Session): void {
  program
    .command('hook')
    .argument('<client>', 'claude-code')
    .summary('what is new, for the hooks of an agent')
    .description(
      'Print what is new for an agent, each thing once. For the hooks that `openpact install claude-code` adds.',
    )
    .action(async (client: string) => {
      if (client !== 'claude-code') {
        throw new OpenPactError('USAGE', { reason: `no hook is known for "${client}"`, hint: 'There is claude-code.' })
      }
      const shell = session()
      try {
        const told = await news(shell, eventOf(await text(process.stdin)))
        if (told !== null) process.stdout.write(`${told}\n`)
      } catch (error) {
        process.stderr.write(renderFailure(asFailure(error), shell.flags))
      }
    })
}

async function news(shell: Session, event: string): Promise<string | null> {
  const client = shell.client()
  const path = await shell.pactPath(client)
  const { body } = await client.post<Digest>(`${path}/digest`, { max_tokens: TOKENS }, { timeout: PATIENCE })
  if (body.items.length === 0) return null
  // One line of JSON in a tag: no text of an entry can leave it, as JSON has no raw line breaks and the digest no angle brackets.
  const context = `<openpact-news>\n${JSON.stringify(body)}\n</openpact-news>`
  return JSON.stringify({ hookSpecificOutput: { hookEventName: event, additionalContext: context } })
}

/** The event for which the hook was called. */
function eventOf(input: string): string {
  try {
    const { hook_event_name } = JSON.parse(input) as { hook_event_name?: unknown }
    if (hook_event_name === 'SessionStart') return hook_event_name
  } catch {
    // Called by hand.
  }
  return 'UserPromptSubmit'
}

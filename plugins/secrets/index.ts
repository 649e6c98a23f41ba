/** Secrets: what is signed stays for ever, so drafts are looked over before. */
import { definePlugin, OpenPactError } from '../../kernel/index.ts'
import './errors.ts'
import { knownForm } from './forms.ts'
import { loadScanner } from './scanner.ts'
import { secretAllowed } from './service.ts'
import { textOf } from './text.ts'

/** ms after the start: by then whoever waited for the daemon has been answered. */
const AFTER_START = 1000

export default definePlugin({
  name: 'secrets',
  version: '0.1.0',
  api: 1,
  summary: 'Refuses to sign keys, tokens and passwords',
  setup(ctx) {
    let loading: ReturnType<typeof loadScanner> | null = null
    const scanner = () => {
      loading ??= loadScanner().catch(error => {
        loading = null
        throw error
      })
      return loading
    }
    const ahead = () =>
      void scanner().catch(error => ctx.log.error('the rules for secrets cannot be loaded', { error }))
    let timer: NodeJS.Timeout | undefined
    ctx.tap('kernel.ready', () => {
      timer = setTimeout(ahead, AFTER_START).unref()
    })
    ctx.onClose(() => clearTimeout(timer))
    ctx.tap('append.authorise', async draft => {
      // What a refounded pact carries over was signed already, perhaps with the override.
      if (secretAllowed(draft.ext) || draft.type === 'pact.import') return undefined
      const text = textOf(draft)
      const rule = knownForm(text) ?? (await scanner())(text)
      if (rule) throw new OpenPactError('SECRET_FOUND', { rule })
      return undefined
    })
  },
})

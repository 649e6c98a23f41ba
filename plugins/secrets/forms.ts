import { validateMnemonic } from 'bip39-mnemonic'

/** Forms that secretlint's recommended rules do not know: our own, and two that agents meet every day. */
const forms: [name: string, form: RegExp][] = [
  ['openpact: Token', /\bopenpact_[\w-]{40}/],
  ['openpact: Invite', /\bop[a-z]?\d[a-z2-7]{50}/],
  ['openpact: WebhookSecret', /\bwhsec_[\w+/]{24}/],
  ['jwt: SignedToken', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/],
  ['pem: PrivateKey', /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s+[\w+/=:]/],
  ['google: ApiKey', /\bAIza[\w-]{35}/],
  ['gitlab: Token', /\bgl(?:pat|dt|rt|ptt)-[\w-]{20}/],
  ['huggingface: Token', /\bhf_[A-Za-z]{34}\b/],
  ['telegram: BotToken', /\b\d{8,10}:AA[\w-]{33}\b/],
  ['discord: Webhook', /discord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[\w-]{60}/],
  ['azure: AccountKey', /\bAccountKey=[A-Za-z0-9+/]{86}==/],
  ['stripe: LiveKey', /\b[sr]k_live_[A-Za-z0-9]{20}/],
]

/** Words of an identity (BIP 39): so many in a row, and the last one holds a checksum of the others. */
const WORDS = 24
/** Rare in prose: so many words of 3 to 8 letters in a row. */
const row = new RegExp(`(?:\\b[a-z]{3,8}[\\s,]+){${WORDS - 1},}[a-z]{3,8}\\b`, 'gi')

/** A text that is nothing but such rows, a list of words for one, must not hold up the daemon: some 40 ms of looking. */
const MOST = 5_000

function holdsMnemonic(text: string): boolean {
  let looked = 0
  for (const [found] of text.matchAll(row)) {
    const words = found.toLowerCase().split(/[\s,]+/)
    for (let i = 0; i + WORDS <= words.length; i++)
      if (looked++ >= MOST) return false
      else if (validateMnemonic(words.slice(i, i + WORDS).join(' '))) return true
  }
  return false
}

/** The name of the first form that a text holds, or null. */
export function knownForm(text: string): string | null {
  const found = forms.find(([, form]) => form.test(text))?.[0]
  return found ?? (holdsMnemonic(text) ? 'openpact: IdentityWords' : null)
}

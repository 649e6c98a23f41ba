declare module 'bip39-mnemonic' {
  /** Whether the words, separated by single spaces, are a mnemonic of any language with a right checksum. */
  export function validateMnemonic(mnemonic: string): boolean
}

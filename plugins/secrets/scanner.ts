/**
 * Secretlint's recommended rules, called directly. Its core is not used: it makes every rule anew for each text (0.4 ms), and keeps
 * a performance mark of each for ever, which a daemon cannot afford. Nor is the rule that lets a comment in the text switch the
 * others off: whoever overrides is to be seen.
 */
type Rule = typeof import('@secretlint/secretlint-rule-preset-recommend')['rules'][number]
type Source = Parameters<NonNullable<ReturnType<Rule['create']>['file']>>[0]
/** Answers the name of the first rule that finds something, or null. */
type Scan = (text: string) => string | null

/** Loads the rules (25 ms). */
export async function loadScanner(): Promise<Scan> {
  const { rules } = await import('@secretlint/secretlint-rule-preset-recommend')
  let found: string | null = null
  const scans = rules
    .filter(({ meta }) => meta.id !== '@secretlint/secretlint-rule-filter-comments')
    .map(rule => {
      const name = rule.meta.id.replace(/^@secretlint\/secretlint-rule-/, '')
      return rule.create(
        {
          sharedOptions: {},
          // Messages quote the secret: only their names are kept.
          createTranslator: () => messageId => ({
            messageId: String(messageId),
            message: String(messageId),
            data: undefined as never,
          }),
          report: ({ message }) => {
            found ??= `${name}: ${message.messageId}`
          },
          ignore: () => {},
        },
        {},
      )
    })
  return text => {
    found = null
    const source = sourceOf(text)
    for (const scan of scans) {
      void scan.file?.(source)
      if (found) break
    }
    return found
  }
}

/** Only the text is real. With this name the rule for npm looks for tokens of registries; no rule opens a file by it. */
function sourceOf(content: string): Source {
  const place = { line: 1, column: 0 }
  return {
    content,
    filePath: '.npmrc',
    physicalFilePath: undefined,
    getFilePath: () => '.npmrc',
    getPhysicalFilePath: () => undefined,
    contentType: 'text',
    ext: '.npmrc',
    hasBOM: false,
    locationToRange: () => [0, 0],
    rangeToLocation: () => ({ start: place, end: place }),
    positionToIndex: () => 0,
    indexToPosition: () => place,
  }
}

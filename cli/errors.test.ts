import { describe, expect, it } from 'vitest'
import { OpenPactError } from '../kernel/errors.ts'
import { asFailure, failureWords, renderFailure } from './errors.ts'

describe('a failure for people', () => {
  it('shows control characters of what was typed, and sends none', () => {
    const failure = asFailure(
      new OpenPactError('USAGE', { reason: "unknown command 'a\u001b[31mb'", hint: 'x\u0007\u202e' }),
    )
    expect(renderFailure(failure, {})).toBe("openpact: unknown command 'a\\x1b[31mb' [USAGE]\n  x\\x07\\x202e\n")
  })

  it('is two sentences on a line, whether or not the reason ends with a full stop', () => {
    expect(failureWords({ message: 'The port is taken: EADDRINUSE', help: 'Choose another.' })).toBe(
      'The port is taken: EADDRINUSE. Choose another.',
    )
    expect(failureWords({ message: 'It ended.', help: 'Start it.' })).toBe('It ended. Start it.')
  })
})

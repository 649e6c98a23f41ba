import { describe, expect, it } from 'vitest'
import { OpenPactError } from '../kernel/errors.ts'
import { asFailure, renderFailure } from './errors.ts'

describe('a failure for people', () => {
  it('shows control characters of what was typed, and sends none', () => {
    const failure = asFailure(
      new OpenPactError('USAGE', { reason: "unknown command 'a\u001b[31mb'", hint: 'x\u0007\u202e' }),
    )
    expect(renderFailure(failure, false)).toBe("openpact: unknown command 'a\\x1b[31mb' [USAGE]\n  x\\x07\\x202e\n")
  })
})

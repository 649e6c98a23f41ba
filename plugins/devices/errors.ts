/** Codes about devices. Those of verdicts carry the name of the verdict. */
import { defineErrors } from '../../kernel/index.ts'

export const deviceErrors = defineErrors({
  DEVICE_UNKNOWN: {
    kind: 'missing',
    message: 'Your identity has no device {writer} in this pact.',
    help: '`openpact devices` lists your devices.',
  },
  DEVICE_NEWER: {
    kind: 'forbidden',
    message: 'The device {writer} was set up later than this one and cannot be retired from here.',
    help: 'Retire it from itself or from a device that was set up after it; a new one can be set up with your 24 words.',
  },
})

/** A callback's URL, checked before anything is sent: what it says, and where its name leads right now. */
import { type LookupAddress, lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { OpenPactError } from '../../kernel/index.ts'
import { type Network, refusal } from './addresses.ts'
import './errors.ts'

export interface Policy {
  /** Whether addresses of this machine are allowed. */
  loopback: boolean
  /** Private networks that are allowed. */
  allow: readonly Network[]
}

/** All addresses of a name. */
export type Resolve = (name: string, done: (error: Error | null, found: LookupAddress[]) => void) => void

export const systemResolve: Resolve = (name, done) =>
  lookup(name, { all: true, order: 'verbatim' }, (error, found) => done(error, found))

/**
 * The URL of a callback, normalised. Spellings of IPv4 addresses (decimal, octal, hex, short) are read as what they are.
 * @throws OpenPactError CALLBACK_INVALID
 */
export function parseCallback(text: string): URL {
  const invalid = (reason: string) => new OpenPactError('CALLBACK_INVALID', { reason })
  if (!URL.canParse(text)) throw invalid('it is not a URL.')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('only http and https are used.')
  if (url.username !== '' || url.password !== '') throw invalid('it has a user name or a password in it.')
  // A trailing dot only says that the name is complete: `localhost.` is `localhost`.
  const host = url.hostname.replace(/\.+$/, '')
  if (host === '') throw invalid('it names no host.')
  if (host !== url.hostname) url.hostname = host
  url.hash = ''
  return url
}

/** The host as it is connected to: an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** @throws OpenPactError CALLBACK_FORBIDDEN */
export function checkAddress(address: string, policy: Policy): void {
  const reason = refusal(address, policy)
  if (reason !== null) throw new OpenPactError('CALLBACK_FORBIDDEN', { address, reason })
}

/**
 * For a connection: resolves a name once, checks every address found, and hands out those that were checked, so that no second
 * answer can lead elsewhere. An address in the URL itself never gets here: check it with `checkAddress`.
 */
export function checkedLookup(policy: Policy, resolve: Resolve): LookupFunction {
  return (name, options, done) => {
    resolve(name, (error, found) => {
      if (error) return done(error, '')
      try {
        for (const { address } of found) checkAddress(address, policy)
      } catch (refused) {
        return done(refused as Error, '')
      }
      const [first] = found
      if (!first) return done(new Error('the name has no address'), '')
      if (options.all) done(null, found)
      else done(null, first.address, first.family)
    })
  }
}

/** Refuses what leads where it must not now. A name that cannot be resolved yet is left to the deliveries. @throws OpenPactError CALLBACK_FORBIDDEN */
export async function checkCallback(url: URL, policy: Policy, resolve: Resolve): Promise<void> {
  const host = hostOf(url)
  if (isIP(host)) return checkAddress(host, policy)
  const found = await new Promise<LookupAddress[]>(done => resolve(host, (error, all) => done(error ? [] : all)))
  for (const { address } of found) checkAddress(address, policy)
}

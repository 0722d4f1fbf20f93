// The API_KEYS secret lists keys by their hashes, each with the scopes and the tenant that it may have.

import { IsletError } from '../../lib/errors.ts'

/** What a key may do: compute answers, read what is stored, or run the deployment. */
export const SCOPES = ['infer', 'read', 'operate'] as const
export type Scope = (typeof SCOPES)[number]

export type Key = {
  /** SHA-256 in lower-case hex. */
  hash: string
  /** Undefined: all. */
  scopes: readonly Scope[] | undefined
  /** The hash of the key whose sessions these are: usually its own. */
  tenant: string
}

const ENTRY = /^([0-9a-f]{64})(?::([^@]*))?(?:@(.*))?$/i
const FORM =
  'An entry is the SHA-256 of a key in hex; HASH:infer+read gives it these scopes alone, HASH:read@HASH2 the sessions of another entry'

let last: { secret: string; keys: readonly Key[] } | undefined

/**
 * The keys in the API_KEYS secret; none when it is unset or blank.
 * @throws IsletError `invalid_api_key` with the number of the entry that is malformed, which itself is not repeated.
 */
export function parseKeys(secret: string | undefined): readonly Key[] {
  if (secret === undefined) return []
  // The secret does not change while an isolate lives, and every request asks.
  if (last?.secret !== secret) last = { secret, keys: checked(secret) }
  return last.keys
}

function checked(secret: string): Key[] {
  const entries = secret.split(/[\s,]+/).filter((entry) => entry !== '')
  const keys = entries.map((entry, index) => keyOf(entry, `Entry ${index + 1} of the secret API_KEYS`))
  for (const [index, { tenant }] of keys.entries()) {
    if (keys.some(({ hash }) => hash === tenant)) continue
    throw malformed(`Entry ${index + 1} of the secret API_KEYS names, behind @, no hash of another entry`)
  }
  return keys
}

function keyOf(entry: string, name: string): Key {
  const [, hash, scopes, tenant = hash] = ENTRY.exec(entry) ?? []
  if (hash === undefined) throw malformed(`${name} is not a hash`)
  const own = { hash: hash.toLowerCase(), tenant: tenant.toLowerCase() }
  if (scopes === undefined) return { ...own, scopes: undefined }
  const known = SCOPES.filter((scope) => scopes.split('+').includes(scope))
  if (known.length !== scopes.split('+').length)
    throw malformed(`${name} has a scope, behind :, that is none of ${SCOPES.join(', ')}`)
  return { ...own, scopes: known }
}

function malformed(what: string): IsletError {
  return new IsletError('invalid_api_key', `${what}. ${FORM}: printf %s KEY | sha256sum`)
}

/** Compares with every hash to the last character: the time taken tells nothing about the keys. Of two entries of one hash the last counts. */
export function findKey(keys: readonly Key[], hash: string): Key | undefined {
  let found: Key | undefined
  for (const key of keys) {
    let difference = key.hash.length ^ hash.length
    for (let i = 0; i < hash.length; i++) difference |= key.hash.charCodeAt(i) ^ hash.charCodeAt(i)
    if (difference === 0) found = key
  }
  return found
}

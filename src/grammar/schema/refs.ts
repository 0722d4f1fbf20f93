// A reference names another part of the same schema, by JSON pointer, anchor or identifier.

import type { ExactJson, ExactObject } from '../../lib/exact-json.ts'
import { GrammarError } from '../grammar-error.ts'

/** A part of a schema, and where it stands. */
export type Place = { schema: ExactJson; pointer: string; base: string }

const NO_BASE = 'schema:/'

/** Keywords that hold a schema, or a list of them. */
const PARTS = new Set([
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains', 'propertyNames'],
  ...[
    'additionalProperties',
    'unevaluatedProperties',
    'allOf',
    'anyOf',
    'oneOf',
    'not',
    'if',
    'then',
    'else',
  ],
])
/** Keywords that hold schemas by name. */
const NAMED_PARTS = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'],
])

/** Finds what a `$ref` names. */
export class References {
  readonly #root: Place
  readonly #named = new Map<string, Place>()

  constructor(root: ExactJson) {
    this.#root = { schema: root, pointer: '', base: baseOf(root, NO_BASE) }
    this.#collect(this.#root)
  }

  get root(): Place {
    return this.#root
  }

  /** A part of `place` under `key`, which may have an identifier of its own. */
  child(place: Place, ...keys: readonly (string | number)[]): Place {
    let { schema, pointer, base } = place
    for (const key of keys) {
      schema = inside(schema, String(key)) ?? null
      pointer += `/${escapePointer(String(key))}`
      base = baseOf(schema, base)
    }
    return { schema, pointer, base }
  }

  /** Throws GrammarError at `place` for what is elsewhere, or nowhere. */
  resolve(ref: string, place: Place): Place {
    const target = resolveUri(ref, place.base)
    const named = this.#named.get(target)
    if (named !== undefined) return named
    const hash = target.indexOf('#')
    const [document, fragment] = hash < 0 ? [target, ''] : [target.slice(0, hash), target.slice(hash + 1)]
    const root = document === '' || document === NO_BASE ? this.#root : this.#named.get(document)
    const pointer = decodeURI(fragment)
    const found =
      root === undefined || (pointer !== '' && !pointer.startsWith('/')) ? undefined : this.#at(root, pointer)
    if (found === undefined)
      throw new GrammarError(`$ref "${ref}" leads to nothing in this schema`, `${place.pointer}/$ref`)
    return found
  }

  #at(root: Place, pointer: string): Place | undefined {
    let place = root
    for (const part of pointer.split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if (inside(place.schema, key) === undefined) return undefined
      place = this.child(place, key)
    }
    return place
  }

  #collect(place: Place): void {
    const { schema, base } = place
    if (Array.isArray(schema)) schema.forEach((_, i) => this.#collect(this.child(place, i)))
    if (!(schema instanceof Map)) return
    const id = schema.get('$id') ?? schema.get('id')
    if (typeof id === 'string') {
      this.#add(base, place)
      if (id.startsWith('#')) this.#add(resolveUri(id, base), place)
    }
    const anchor = schema.get('$anchor')
    if (typeof anchor === 'string') this.#add(resolveUri(`#${anchor}`, base), place)
    for (const key of schema.keys()) {
      const part = this.child(place, key)
      if (PARTS.has(key)) this.#collect(part)
      else if (NAMED_PARTS.has(key) && part.schema instanceof Map)
        for (const name of part.schema.keys()) this.#collect(this.child(part, name))
    }
  }

  #add(uri: string, place: Place): void {
    if (!this.#named.has(uri)) this.#named.set(uri, place)
  }
}

function inside(schema: ExactJson, key: string): ExactJson | undefined {
  if (schema instanceof Map) return schema.get(key)
  return Array.isArray(schema) && /^\d+$/.test(key) ? schema[Number(key)] : undefined
}

function baseOf(schema: ExactJson, base: string): string {
  if (!(schema instanceof Map)) return base
  const id = (schema as ExactObject).get('$id') ?? schema.get('id')
  if (typeof id !== 'string' || id.startsWith('#')) return base
  return resolveUri(id, base).replace(/#$/, '')
}

function resolveUri(ref: string, base: string): string {
  if (ref.startsWith('#')) return base.replace(/#.*$/, '') + ref
  return URL.parse(ref, base)?.href ?? ref
}

export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function decodeURI(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

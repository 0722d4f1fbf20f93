// A body is what its schema takes, or that with something done to it: cut, of wrong types, deep, huge, doubled, compressed.

import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Schema } from '../../tools/openapi/shapes.ts'
import { anything, valueOf, type Schemas } from './values.ts'

export type Sent = { kind: string; bytes: Uint8Array; headers: Record<string, string> }

/** Stands for the model that is served, and for an id that was seen. */
export const MODEL = '$MODEL'
export const ID = '$ID'

type Fields = Record<string, unknown>
type Path = readonly (string | number)[]

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const plain = (kind: string, text: string): Sent => ({ kind, bytes: utf8(text), headers: {} })

const NUMBERS = [
  '1e400',
  '-1e309',
  '9007199254740993',
  '9'.repeat(300),
  '9'.repeat(1200),
  '1e-400',
  '-0',
  '1E+5',
  '18446744073709551616',
  '0.1e99',
  '2147483648',
]
const ODD_KEYS = ['__proto__', 'constructor', 'toString', '', 'temprature', '\u0000', 'a'.repeat(2000)]
const DEPTHS = [10, 63, 64, 65, 500, 5000, 100_000]

/** Limits on what is generated, so that an answer ends; a few are left out, for limits of the model's own. */
function tamed(body: Fields, names: readonly string[], tokens: number): Fields {
  const limits = names.filter((name) => /^max_.*tokens(_to_sample)?$/.test(name))
  const options =
    names.includes('options') && !names.includes('islet') ? { options: { num_predict: tokens } } : {}
  return {
    ...body,
    ...(names.includes('model') && { model: MODEL }),
    ...Object.fromEntries(limits.map((name) => [name, tokens])),
    ...options,
    ...('previous_response_id' in body && { previous_response_id: ID }),
  }
}

/** Bodies of a schema, good ones and others. */
export function bodiesOf(schema: Schema, schemas: Schemas): fc.Arbitrary<Sent> {
  const names = Object.keys((schema['properties'] ?? {}) as object)
  const tokens = fc.integer({ min: 1, max: 6 })
  const good = fc
    .tuple(valueOf(schema, schemas), tokens)
    .map(([body, most]) => tamed(body as Fields, names, most))
  const text = good.map((body) => JSON.stringify(body))
  const valid = text.map((body) => plain('valid', body))
  const spot = fc.tuple(good, fc.nat(), anything())
  return fc.oneof(
    { arbitrary: valid, weight: 6 },
    {
      arbitrary: good.map((body) => plain('streamed', JSON.stringify({ ...body, stream: true }))),
      weight: 3,
    },
    fc.tuple(text, fc.nat()).map(([body, at]) => {
      const bytes = utf8(body)
      return { kind: 'cut', bytes: bytes.slice(0, at % (bytes.length + 1)), headers: {} }
    }),
    {
      arbitrary: spot.map(([body, at, value]) =>
        plain('wrong type', JSON.stringify(replaced(body, at, value))),
      ),
      weight: 3,
    },
    spot.map(([body, at]) => plain('left out', JSON.stringify(replaced(body, at, undefined)))),
    fc
      .tuple(good, fc.nat(), fc.constantFrom(...DEPTHS), fc.boolean())
      .map(([body, at, depth, isArray]) =>
        plain('deep', JSON.stringify(replaced(body, at, MARK)).replace(MARKED, nested(depth, isArray))),
      ),
    fc.tuple(good, fc.nat(), fc.constantFrom(...NUMBERS)).map(([body, at, digits]) =>
      plain(
        'huge number',
        JSON.stringify(replaced(body, at, MARK)).replace(MARKED, () => digits),
      ),
    ),
    fc
      .tuple(good, good, fc.constantFrom(...(names.length > 0 ? names : ['a'])))
      .map(([body, other, name]) => {
        const first = `{${JSON.stringify(name)}:${JSON.stringify(other[name] ?? null)},`
        return plain('doubled key', first + JSON.stringify({ ...body, [name]: body[name] ?? null }).slice(1))
      }),
    fc
      .tuple(text, fc.constantFrom(...ODD_KEYS), anything())
      .map(([body, key, value]) =>
        plain('unknown key', `{${JSON.stringify(key)}:${JSON.stringify(value)},${body.slice(1)}`),
      ),
    fc.tuple(text, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([body, at, odd]) => {
      const bytes = [...utf8(body)]
      bytes.splice(at % bytes.length, 0, ...odd)
      return { kind: 'odd bytes', bytes: Uint8Array.from(bytes), headers: {} }
    }),
    fc
      .oneof(anything(), fc.constant(''))
      .map((value) => plain('no object', value === '' ? '' : JSON.stringify(value))),
    compressed(text),
    fc
      .tuple(fc.constantFrom(...names, 'a'), fc.integer({ min: 1, max: 1_500_000 }))
      .map(([name, length]) =>
        plain(
          'long text',
          `{"model":"${MODEL}","max_tokens":1,${JSON.stringify(name)}:"${'long '.repeat(length / 5)}"}`,
        ),
      ),
  )
}

function compressed(text: fc.Arbitrary<string>): fc.Arbitrary<Sent> {
  return fc
    .tuple(
      text,
      fc.constantFrom('gzip', 'x-gzip', 'deflate', 'br', 'gzip, gzip', 'identity', 'zip'),
      fc.constantFrom('whole', 'cut', 'not', 'more'),
      fc.nat(),
    )
    .map(([body, encoding, fate, at]) => {
      const packed = encoding === 'deflate' ? deflateSync(body) : gzipSync(body)
      const fates: Record<typeof fate, Uint8Array> = {
        whole: packed,
        cut: packed.subarray(0, at % packed.length),
        not: utf8(body),
        more: Buffer.concat([packed, Buffer.from('more')]),
      }
      return {
        kind: 'compressed',
        bytes: new Uint8Array(fates[fate]),
        headers: { 'content-encoding': encoding },
      }
    })
}

const MARK = '@mark@'
const MARKED = JSON.stringify(MARK)

function nested(depth: number, isArray: boolean): string {
  return isArray ? '['.repeat(depth) + ']'.repeat(depth) : '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)
}

/** The body with another value at its `at`th place, counted around; undefined leaves it out. */
function replaced(body: Fields, at: number, value: unknown): Fields {
  const places = placesOf(body)
  if (places.length === 0) return body
  const place = places[at % places.length]
  return withValue(body, place, value) as Fields
}

function placesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value)
  const inner = keys.flatMap((key) =>
    placesOf((value as Record<string | number, unknown>)[key], [...path, key]),
  )
  return path.length === 0 ? inner : [path, ...inner]
}

function withValue(whole: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value
  const copy = (Array.isArray(whole) ? [...(whole as unknown[])] : { ...(whole as object) }) as Record<
    string | number,
    unknown
  >
  copy[key] = withValue(copy[key], rest, value)
  return copy
}

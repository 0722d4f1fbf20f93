// The body reader takes JSON within a limit. The content type is not asked: a body that parses is accepted.

import { IsletError } from '../../lib/errors.ts'
import { hashText } from './hash-text.ts'
import { parseExactJson } from '../../lib/exact-json.ts'
import { checkShape } from './json-shape.ts'

/** A JSON object, and the SHA-256 of the bytes it came in, by which a request that is sent again is known. */
export type Body = { fields: Record<string, unknown>; changed: ChangedFields; hash: string }

/** The JSON text of those fields in which JSON.parse may have changed digits or the order of keys. */
export type ChangedFields = ReadonlyMap<string, string>

/** A checked field of a body, exact where plain values would not be as they were sent. */
export function sentField(fields: Record<string, unknown>, changed: ChangedFields, name: string): unknown {
  const text = changed.get(name)
  return text === undefined ? fields[name] : parseExactJson(text)
}

/**
 * The body as a JSON object. Of a key given twice the last counts, as in JSON.parse.
 * @throws IsletError `body_too_large` above `limit` bytes, `invalid_request` when it is not a JSON object in UTF-8, or has too many names or items.
 */
export async function readBody(request: Request, limit: number): Promise<Body> {
  const bytes = await readBytes(request, limit)
  const text = decode(bytes)
  const changed = checkShape(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const detail =
      text.trim() === '' ? 'it is empty' : cause instanceof Error ? cause.message.slice(0, 200) : ''
    throw new IsletError('invalid_request', `The request body is not valid JSON: ${detail}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new IsletError(
      'invalid_request',
      'The request body must be a JSON object, such as {"model": "..."}',
    )
  }
  return { fields: value as Record<string, unknown>, changed, hash: await hashText(bytes) }
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length')) > limit) throw tooLarge(limit)
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader()
  for (;;) {
    const chunk = await reader?.read().catch((cause: unknown) => {
      throw new IsletError('invalid_request', 'The request body broke off', { cause })
    })
    if (chunk === undefined || chunk.done) break
    length += chunk.value.byteLength
    if (length > limit) {
      await reader?.cancel().catch(() => undefined)
      throw tooLarge(limit)
    }
    chunks.push(chunk.value)
  }
  if (chunks.length === 1) return chunks[0]
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch (cause) {
    throw new IsletError('invalid_request', 'The request body is not valid UTF-8', { cause })
  }
}

function tooLarge(limit: number): IsletError {
  return new IsletError('body_too_large', `The request body is larger than ${limit} bytes; send less text`)
}

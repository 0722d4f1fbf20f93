// The body reader takes JSON within a limit. The content type is not asked: a body that parses is accepted.

import { IsletError } from '../../lib/errors.ts'
import { exactSeed } from './exact-seed.ts'
import { hashText } from './hash-text.ts'
import { parseExactJson } from '../../lib/exact-json.ts'
import { inflated } from './inflate.ts'
import { checkShape } from './json-shape.ts'

/** A JSON object, and the SHA-256 of its text's bytes, by which a request that is sent again is known. */
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
 * @throws IsletError `body_too_large` above `limit` bytes, inflated ones where it is compressed, `unsupported_encoding` where it is in
 * a way that is not read, `invalid_request` when it is not a JSON object in UTF-8, or has too many names or items.
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
  const fields = value as Record<string, unknown>
  if (typeof fields['seed'] === 'number')
    fields['seed'] = exactSeed(fields['seed'], sentField(fields, changed, 'seed'))
  return { fields, changed, hash: await hashText(bytes) }
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length')) > limit) throw tooLarge(limit)
  const chunks: Uint8Array[] = []
  let length = 0
  const format = formatOf(request)
  const body = request.body as ReadableStream<Uint8Array> | null
  const reader = (body !== null && format !== undefined ? inflated(body, format) : body)?.getReader()
  for (;;) {
    const chunk = await reader?.read().catch((cause: unknown) => {
      const fault = format === undefined ? 'broke off' : `broke off, or is not valid ${format}`
      throw new IsletError('invalid_request', `The request body ${fault}`, { cause })
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

/** How the body is compressed, if it is: one coding, since several in a row would multiply what comes out. */
function formatOf(request: Request): 'gzip' | 'deflate' | undefined {
  const encoding = request.headers.get('content-encoding') ?? ''
  switch (encoding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return undefined
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'deflate':
      return 'deflate'
    default:
      throw new IsletError(
        'unsupported_encoding',
        `The request body has the content-encoding ${JSON.stringify(encoding.slice(0, 60))}; gzip and deflate are read, or send it as it is`,
      )
  }
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

// The judge says what is wrong with a response: a status, a shape, a stream, that the document does not allow.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { ROUTES } from '../../src/api/routes.ts'
import { routeName } from '../../tools/openapi/document.ts'
import { OPERATIONS } from '../../tools/openapi/operations.ts'
import type { Schema } from '../../tools/openapi/shapes.ts'
import { document, documented, type Generated } from './requests.ts'

type Content = Record<string, { schema: Schema }>
type Operation = { responses: Record<string, { content?: Content }> }

const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema({ ...document, $id: 'islet' })
const compiled = new Map<string, ReturnType<typeof ajv.compile>>()

/** What of `value` the schema does not take; undefined if nothing. */
function mismatch(value: unknown, schema: Schema): string | undefined {
  const name = JSON.stringify(schema)
  const check =
    compiled.get(name) ??
    ajv.compile(JSON.parse(name.replaceAll('"#/components', '"islet#/components')) as object)
  compiled.set(name, check)
  return check(value) ? undefined : ajv.errorsText(check.errors)
}

export type Reply = { status: number; headers: Headers; body: string }

/** The problem of a reply, in words; undefined where it is one that the document allows. */
export function problemOf(request: Generated, { status, headers, body }: Reply): string | undefined {
  const route = ROUTES.find((one) => routeName(one) === request.route)
  if (route === undefined) return `no route is called ${request.route}`
  const isHead = request.method === 'HEAD'
  if (request.method === 'OPTIONS') return status < 500 ? undefined : `status ${status}`
  if (!headers.has('x-request-id')) return 'no x-request-id'
  const item = document.paths[documented(route)] as unknown as Record<string, Operation | undefined>
  const operation = item[(isHead ? 'get' : request.method).toLowerCase()]
  // Where the path itself was changed by its id it may be that of another route, or of none.
  if (status >= 400 && status !== OPERATIONS[request.route]?.also) {
    if (status >= 500) return `status ${status}: ${body.slice(0, 300)}`
    return isHead || (pathIsOther(request) && parsed(body) !== undefined)
      ? undefined
      : errorProblem(item, body)
  }
  if (isHead || operation === undefined)
    return status < 300 || status === OPERATIONS[request.route]?.also ? undefined : `status ${status}`
  const content = operation.responses[String(status)]?.content
  if (content === undefined)
    return pathIsOther(request) ? undefined : `status ${status} is not in the document`
  const type = (headers.get('content-type') ?? '').split(';')[0]
  if (!(type in content))
    return pathIsOther(request) ? undefined : `content type ${type} is not in the document`
  const { schema } = content[type]
  if (type === 'text/event-stream') {
    // Who has all frames already is given none.
    if (/[?&](after|starting_after)=/.test(request.path) && /^(:\n\n)*$/.test(body)) return undefined
    return streamProblem(body, schema['contentSchema'] as Schema, item)
  }
  if (type === 'application/x-ndjson') {
    const frames = body.split('\n').map((line) => (line === '' ? ':\n\n' : `data: ${line}\n\n`))
    return streamProblem(frames.join(''), schema['contentSchema'] as Schema, item)
  }
  if (type !== 'application/json') return undefined
  const wrong = mismatch(parsed(body), schema)
  return wrong === undefined || pathIsOther(request)
    ? undefined
    : `a body that is not of its schema: ${wrong}; ${body.slice(0, 300)}`
}

/** `..` and slashes in an id lead elsewhere. */
function pathIsOther({ path }: Generated): boolean {
  return /\.\.|\/a\/b/.test(path)
}

function errorProblem(item: Record<string, Operation | undefined>, body: string): string | undefined {
  const value = parsed(body)
  if (value === undefined) return `an error that is no JSON: ${body.slice(0, 200)}`
  const wrongs = Object.values(item).map((operation) => {
    const schema = operation?.responses['401']?.content?.['application/json'].schema
    return schema === undefined ? 'no schema' : mismatch(value, schema)
  })
  return wrongs.includes(undefined)
    ? undefined
    : `an error of another shape: ${wrongs[0]}; ${body.slice(0, 200)}`
}

/** Frames of JSON, each of its shape or the route's error, to an end. */
function streamProblem(
  body: string,
  schema: Schema,
  item: Record<string, Operation | undefined>,
): string | undefined {
  if (!body.endsWith('\n\n')) return 'a stream that does not end with a blank line'
  const frames = body.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'))
  for (const [index, frame] of frames.entries()) {
    const data = /^(?:event: [^\n]+\n)?data: ([^\n]*)$/.exec(frame)?.[1]
    if (data === undefined) return `a frame that is none: ${frame.slice(0, 200)}`
    if (data === '[DONE]') {
      if (index !== frames.length - 1) return 'frames behind [DONE]'
      continue
    }
    const value = parsed(data)
    const wrong = value === undefined ? 'no JSON' : mismatch(value, schema)
    if (wrong === undefined) continue
    if (/"(engine_failure|internal_error|lane_lost|out_of_memory)"/.test(data))
      return `a stream that fails: ${data.slice(0, 300)}`
    if (errorProblem(item, data) !== undefined)
      return `a frame of another shape: ${wrong}; ${data.slice(0, 300)}`
  }
  return frames.length === 0 ? 'a stream of nothing' : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

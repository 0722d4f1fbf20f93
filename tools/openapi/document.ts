// The OpenAPI document describes every route of the table: its body by the schema that checks it, its answers and errors.

import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod/mini'
import type { Access } from '../../src/api/http/auth.ts'
import { accessTo, plainPath, ROUTES, type Route } from '../../src/api/routes.ts'
import { ROOT } from '../root.ts'
import { codesByStatus, errorShape } from './error-shapes.ts'
import { OPERATIONS, type Operation } from './operations.ts'
import { ref, SHAPES, type Schema } from './shapes.ts'

export type Document = {
  openapi: string
  info: Record<string, unknown>
  paths: Record<string, Record<string, Schema>>
  components: { schemas: Record<string, Schema>; [kind: string]: unknown }
  [field: string]: unknown
}

const WHAT =
  'Small language models inside a Cloudflare Worker. Without configured keys only localhost is served, and no key is needed. ' +
  'A GET answers HEAD too, unless it streams. What each field does is in docs/ of the repository.'

/** The name of a route in the table of operations. */
export function routeName({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${plainPath(path)}`
}

/** The document of these routes; those of the table unless a test gives others. */
export function openApiDocument(routes: readonly Route[] = ROUTES): Document {
  const { version, license } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Record<
    string,
    string
  >
  const schemas: Record<string, Schema> = { ...SHAPES }
  const paths: Document['paths'] = {}
  for (const route of routes) {
    const path = plainPath(route.path).replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemas) }
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Islet', version, description: WHAT, license: { name: license, identifier: license } },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => tagOf(route)))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key of API_KEYS; x-api-key takes it too.' },
      },
      headers: { RequestId: { description: 'Names this request in the log.', schema: { type: 'string' } } },
    },
  }
}

function tagOf(route: Route): string {
  return OPERATIONS[routeName(route)]?.tag ?? 'Others'
}

function operationOf(route: Route, schemas: Record<string, Schema>): Schema {
  const name = routeName(route)
  const operation: Operation = OPERATIONS[name] ?? { tag: tagOf(route), ok: {} }
  const { query = {} } = operation
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, param]) => param)
  const parameters = [
    ...names.map((param) => ({ name: param, in: 'path', required: true, schema: { type: 'string' } })),
    ...Object.entries(query).map(([param, { description, ...schema }]) => ({
      name: param,
      in: 'query',
      description,
      schema,
    })),
  ]
  const body = bodyOf(route, schemas) ?? operation.body
  return {
    operationId: name
      .replace(/[^A-Za-z]+/g, '_')
      .replace(/_$/, '')
      .toLowerCase(),
    tags: [operation.tag],
    summary: route.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: route.body !== undefined, content: json(body) } }),
    responses: { ...successes(operation), ...errors(route, operation, parameters.length > 0, schemas) },
    security: securityOf(accessTo(route)),
  }
}

/** The route's own schema, word for word, as a component that is named after its path. */
function bodyOf(route: Route, schemas: Record<string, Schema>): Schema | undefined {
  if (route.body === undefined) return undefined
  const { $schema: _, ...schema } = z.toJSONSchema(route.body, { io: 'input' }) as Record<string, unknown>
  return component(`${nameOf(route)}Request`, schema, schemas)
}

/** A reference to the schema, which is put under `name`, or under the name that it has already. */
function component(name: string, schema: Schema, schemas: Record<string, Schema>): Schema {
  const [known] = Object.entries(schemas).find(([, other]) => isDeepStrictEqual(other, schema)) ?? []
  if (known !== undefined) return ref(known)
  const free = name in schemas ? `${name}_${Object.keys(schemas).length}` : name
  schemas[free] = schema
  return ref(free)
}

/** `/v1/chat/completions` is `ChatCompletions`. */
function nameOf({ path }: Route): string {
  const words = plainPath(path)
    .replace(/^\/v1\//, '')
    .match(/[A-Za-z]+/g) ?? ['Root']
  return words.map((word) => word[0].toUpperCase() + word.slice(1)).join('')
}

function successes({ ok, event, lines, status = 200, also }: Operation): Record<string, Schema> {
  const content = {
    ...(typeof ok === 'string'
      ? { [ok]: { schema: { type: 'string' } } }
      : (Object.keys(ok).length > 0 || event === undefined) && json(ok)),
    ...(event && {
      'text/event-stream': {
        schema: { type: 'string', description: 'Server-sent events.', contentSchema: event },
      },
    }),
    ...(lines && {
      'application/x-ndjson': {
        schema: { type: 'string', description: 'Lines of JSON.', contentSchema: lines },
      },
    }),
  }
  const response = (description: string): Schema => ({ description, headers, content })
  return {
    [status]: response(status === 201 ? 'Made.' : status < 300 ? 'Well.' : 'Never done here.'),
    ...(also !== undefined && { [also]: response('Not yet.') }),
  }
}

const headers = { 'x-request-id': { $ref: '#/components/headers/RequestId' } }

/** Where a mistake of the caller needs something that the route must have. */
const NEEDS: Readonly<Record<number, (of: { body: boolean; parameters: boolean }) => boolean>> = {
  400: ({ body, parameters }) => body || parameters,
  404: ({ body, parameters }) => body || parameters,
  405: () => false,
  409: ({ body, parameters }) => body || parameters,
  413: ({ body }) => body,
  415: ({ body }) => body,
}

function errors(
  route: Route,
  operation: Operation,
  parameters: boolean,
  schemas: Record<string, Schema>,
): Record<string, Schema> {
  const shape = errorShape(route.errorBody)
  const name = isDeepStrictEqual(shape, errorShape()) ? 'Error' : `${nameOf(route)}Error`
  const schema = component(name, shape, schemas)
  const of = { body: route.body !== undefined, parameters }
  const statuses = [...codesByStatus()].filter(([status]) => NEEDS[status]?.(of) ?? status !== operation.also)
  return Object.fromEntries(
    statuses.map(([status, codes]) => [
      String(status),
      {
        description: `One of: ${codes.map((code) => `\`${code}\``).join(', ')}.`,
        headers,
        content: json(schema),
      },
    ]),
  )
}

/** None suffices where there are no keys, so anybody may come first. */
function securityOf(access: Access): Record<string, readonly string[]>[] {
  if (access === 'open') return []
  return access.length === 0 ? [{ key: [] }] : access.map((scope) => ({ key: [scope] }))
}

function json(schema: Schema): Record<string, Schema> {
  return { 'application/json': { schema } }
}

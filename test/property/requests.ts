// Requests are generated over every route of the table: its body by its schema, its path and its query, good ones and others.

import fc from 'fast-check'
import { ROUTES, type Route } from '../../src/api/routes.ts'
import { openApiDocument, routeName } from '../../tools/openapi/document.ts'
import { OPERATIONS } from '../../tools/openapi/operations.ts'
import type { Schema } from '../../tools/openapi/shapes.ts'
import { bodiesOf, ID, MODEL, type Sent } from './bodies.ts'
import { valueOf } from './values.ts'

export type Generated = {
  /** The route that is meant, by name. */
  route: string
  kind: string
  method: string
  path: string
  headers: Record<string, string>
  body?: Uint8Array
}

export const document = openApiDocument()
const { schemas } = document.components

const ODD_IDS = [
  'sess_0_a',
  'resp_0_a_b',
  'sess_9_a',
  'x',
  '..',
  '%00',
  'a/b',
  'é',
  'sess_0_',
  'x'.repeat(3000),
  '__proto__',
]
const ids = (): fc.Arbitrary<string> => fc.constantFrom(ID, ID, MODEL, ...ODD_IDS)
const oddHeaders = (): fc.Arbitrary<Record<string, string>> =>
  fc.oneof(
    { arbitrary: fc.constant({}), weight: 6 },
    fc.constantFrom<Record<string, string>>(
      { 'x-stainless-retry-count': '1' },
      { 'x-stainless-retry-count': 'many' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'multipart/form-data; boundary=x' },
      { 'x-islet-hash-logits': '1' },
      { authorization: 'Bearer another' },
      { authorization: 'Basic eDp5' },
      { accept: 'text/event-stream' },
      { origin: 'http://localhost:3000' },
      { origin: 'https://elsewhere.example' },
      { 'anthropic-version': '1999-01-01' },
      { range: 'bytes=0-1' },
      { 'if-none-match': '*' },
    ),
  )

/** Requests of all routes; those with a body more often, as there is more to get wrong. */
export function requests(routes: readonly Route[] = ROUTES): fc.Arbitrary<Generated> {
  return fc.oneof(
    ...routes.map((route) => ({ arbitrary: requestsOf(route), weight: route.body === undefined ? 1 : 8 })),
  )
}

function requestsOf(route: Route): fc.Arbitrary<Generated> {
  const name = routeName(route)
  const sent = bodyOf(route)
  const method = fc.oneof(
    { arbitrary: fc.constant(route.method as string), weight: 15 },
    fc.constantFrom('PUT', 'PATCH', 'GET', 'HEAD', 'OPTIONS', 'DELETE', 'POST'),
  )
  return fc
    .tuple(method, pathOf(route), queryOf(OPERATIONS[name]?.query ?? {}), oddHeaders(), sent)
    .map(([used, path, query, headers, { kind, bytes, headers: own }]) => {
      const mayHaveBody = used !== 'GET' && used !== 'HEAD' && bytes.length > 0
      const isMeant = used === route.method
      return {
        route: name,
        kind: isMeant ? kind : 'method',
        method: used,
        path: path + query,
        headers: { ...headers, ...(mayHaveBody && own) },
        ...(mayHaveBody && { body: bytes }),
      }
    })
}

function bodyOf(route: Route): fc.Arbitrary<Sent> {
  const operation = document.paths[documented(route)][route.method.toLowerCase()] as {
    requestBody?: { content: Record<string, { schema: Schema }> }
  }
  const schema = operation.requestBody?.content['application/json'].schema
  if (schema === undefined) return fc.constant({ kind: 'no body', bytes: new Uint8Array(), headers: {} })
  const target = String(schema['$ref'])
  return bodiesOf(
    target === 'undefined' ? schema : schemas[target.slice(target.lastIndexOf('/') + 1)],
    schemas,
  )
}

/** A route's path as the document has it. */
export function documented({ path }: Pick<Route, 'path'>): string {
  return path.replace(/\{[^}]*\}/g, '').replace(/:(\w+)/g, '{$1}')
}

function pathOf(route: Route): fc.Arbitrary<string> {
  const parts = documented(route).split(/(\{\w+\})/)
  return fc
    .tuple(...parts.map((part) => (part.startsWith('{') ? ids() : fc.constant(part))))
    .map((texts) => texts.join(''))
}

function queryOf(query: Readonly<Record<string, Schema>>): fc.Arbitrary<string> {
  const pairs = Object.entries(query).map(([name, schema]) => {
    const value = fc.oneof(
      valueOf(schema, schemas).map(String),
      fc.constantFrom('', '-1', '1e9', 'NaN', '99999999999', ID),
    )
    return fc.option(
      value.map((text) => `${name}=${encodeURIComponent(text.toWellFormed())}`),
      { nil: '' },
    )
  })
  return fc.tuple(...pairs).map((texts) => {
    const given = texts.filter((text) => text !== '')
    return given.length === 0 ? '' : `?${given.join('&')}`
  })
}

// The OpenAPI document is valid, describes each route of the table by itself, and says what its schemas say.

import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { ROUTES, type Route } from '../../src/api/routes.ts'
import { openApiDocument, routeName } from '../../tools/openapi/document.ts'
import { codesByStatus, errorShape } from '../../tools/openapi/error-shapes.ts'
import { OPERATIONS } from '../../tools/openapi/operations.ts'
import { referencePage } from '../../tools/openapi/page.ts'
import { appOver, chat, fakeLanes, HELLO, ORIGIN } from './helpers.ts'

type Fields = Record<string, unknown>
type Operation = {
  operationId: string
  summary: string
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: { $ref: string } }> }
  responses: Record<string, { content: Record<string, { schema: { $ref: string } }> }>
  security: Fields[]
}

const document = openApiDocument()
const { schemas } = document.components
const operationOf = ({ method, path }: Route): Operation => {
  const item = document.paths[path.replace(/\{[^}]*\}/g, '').replace(/:(\w+)/g, '{$1}')]
  return item[method.toLowerCase()] as unknown as Operation
}
const nameOf = ({ $ref }: { $ref: string }): string => $ref.replace('#/components/schemas/', '')

describe('the document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document) as never)
    expect(result).toMatchObject({ valid: true })
    expect(document.openapi).toMatch(/^3\.1\./)
  })

  it('of other fields is not: the validator looks', async () => {
    const broken = structuredClone(document) as unknown as Fields
    broken['paths'] = { '/v1/models': { get: { responses: 5 } } }
    expect(await new Validator().validate(broken as never)).toMatchObject({ valid: false })
  })

  it('has schemas that compile, all of whose references are there', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema({ ...document, $id: 'islet' })
    for (const name of Object.keys(schemas))
      expect(typeof ajv.compile({ $ref: `islet#/components/schemas/${name}` }), name).toBe('function')
    const told = JSON.stringify(document)
    expect(told).not.toContain('$defs')
    for (const [, name] of told.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(schemas, name).toHaveProperty([name])
  })

  it('names each operation once', () => {
    const ids = ROUTES.map((route) => operationOf(route).operationId)
    expect(new Set(ids).size).toBe(ROUTES.length)
  })
})

describe.each(ROUTES.map((route) => [routeName(route), route] as const))('%s', (name, route) => {
  const operation = operationOf(route)

  it('has what no table says: its query and what it answers (tools/openapi/operations.ts)', () => {
    expect(Object.keys(OPERATIONS)).toContain(name)
  })

  it('has its summary, parameters of its path, and who may ask', () => {
    expect(operation.summary).toBe(route.summary)
    const names = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name)
    expect(names).toEqual([...route.path.matchAll(/:(\w+)/g)].map(([, param]) => param))
    const { access = ['operate'] } = route
    const expected =
      access === 'open' ? [] : access.length === 0 ? [{ key: [] }] : access.map((scope) => ({ key: [scope] }))
    expect(operation.security).toEqual(expected)
  })

  it('has the schema of its body word for word', () => {
    if (route.body === undefined) return expect(operation.requestBody?.content).toBe(OPERATIONS[name]?.body)
    const { $schema: _, ...schema } = z.toJSONSchema(route.body, { io: 'input' }) as Fields
    expect(schemas[nameOf(operation.requestBody!.content['application/json'].schema)]).toEqual(schema)
  })

  it('words its errors in its own dialect', () => {
    const errors = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400)
    for (const [status, { content }] of errors) {
      if (Number(status) === OPERATIONS[name]?.also) continue
      expect(schemas[nameOf(content['application/json'].schema)], status).toEqual(errorShape(route.errorBody))
    }
    const statuses = errors.map(([status]) => Number(status))
    for (const status of [401, 403, 429, 500, 503]) expect(statuses).toContain(status)
    if (route.body !== undefined)
      for (const status of [400, 404, 413, 415]) expect(statuses).toContain(status)
  })
})

describe('the operations', () => {
  it('are of routes that there are', () => {
    const names = ROUTES.map(routeName)
    expect(Object.keys(OPERATIONS).filter((name) => !names.includes(name))).toEqual([])
  })

  it('describe a route that is new by its table alone', () => {
    const route = {
      ...ROUTES[0],
      path: '/v1/new/:id',
      errorBody: () => ({ type: 'error', error: { type: 'x' } }),
    }
    const { paths, components } = openApiDocument([...ROUTES, route])
    const made = paths['/v1/new/{id}']['post'] as unknown as Operation
    expect(made.summary).toBe(route.summary)
    expect(made.requestBody).toEqual(operationOf(ROUTES[0]).requestBody)
    expect(nameOf(made.responses['400'].content['application/json'].schema)).toBe('NewIdError')
    expect(components.schemas['NewIdError']).toEqual({
      type: 'object',
      required: ['type', 'error'],
      properties: {
        type: { enum: ['error'] },
        error: { type: 'object', required: ['type'], properties: { type: { enum: ['x'] } } },
      },
    })
  })
})

describe('error shapes', () => {
  it("have each status once, and OpenAI's object as it is", () => {
    expect([...codesByStatus().keys()].toSorted()).toEqual([
      400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503,
    ])
    expect(errorShape()).toMatchObject({
      required: ['error'],
      properties: {
        error: {
          required: ['message', 'type', 'param', 'code'],
          properties: {
            message: { type: 'string' },
            type: { enum: ['invalid_request_error', 'rate_limit_error', 'server_error'] },
            param: { type: ['null', 'string'] },
          },
        },
      },
    })
  })

  it('take what the app answers', async () => {
    const takes = new Ajv2020({ strict: false }).compile(errorShape())
    for (const body of [
      '{',
      JSON.stringify(chat({ temperature: 9 })),
      JSON.stringify(chat({ model: 'other' })),
    ]) {
      const response = await appOver(fakeLanes(HELLO)).app.request(`${ORIGIN}/v1/chat/completions`, {
        method: 'POST',
        body,
      })
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(takes(await response.json())).toBe(true)
    }
    expect(takes({ error: { message: 'm' } })).toBe(false)
  })
})

describe('the page', () => {
  const page = referencePage(document)

  it('shows each route, its fields and its shapes', () => {
    for (const { method, path, body } of ROUTES) {
      const plain = path.replace(/\{[^}]*\}/g, '').replace(/:(\w+)/g, '{$1}')
      expect(page).toContain(`<b>${method}</b> <code>${plain}</code>`)
      for (const field of Object.keys(body?._zod.def.shape ?? {})) expect(page).toContain(field)
    }
    for (const name of Object.keys(schemas)) expect(page).toContain(`id="${name}"`)
  })

  it('asks nothing of a network, and runs nothing', () => {
    expect(page).not.toMatch(/<script|https?:\/\/|src=|@import|url\(/)
    expect(page.length).toBeLessThan(400_000)
  })
})

describe('GET /openapi.json and GET /docs', () => {
  const files: Record<string, string> = {
    'openapi.json': '{"openapi":"3.1.1"}',
    'docs.page': '<!doctype html>',
  }

  it.each([
    ['/openapi.json', 'openapi.json', 'application/json'],
    ['/docs', 'docs.page', 'text/html; charset=utf-8'],
  ])('%s is the file %s alone', async (path, name, type) => {
    const asked: string[] = []
    const reference = async (file: string) => {
      asked.push(file)
      return new Response(files[file])
    }
    const { app } = appOver(fakeLanes(HELLO), { reference })
    const response = await app.request(`${ORIGIN}${path}`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
    expect(await response.text()).toBe(files[name])
    expect((await app.request(`${ORIGIN}${path}?file=../models/x/weights-000.bin`)).status).toBe(200)
    expect((await app.request(`${ORIGIN}${path}/..%2fmodels`)).status).toBe(404)
    expect((await app.request(`${ORIGIN}/reference/${name}`)).status).toBe(404)
    expect(new Set(asked)).toEqual(new Set([name]))
  })

  it('is a 404 in words where nothing was built', async () => {
    const missing = async () => new Response('no such asset', { status: 404 })
    for (const reference of [undefined, missing]) {
      const response = await appOver(fakeLanes(HELLO), { reference }).app.request(`${ORIGIN}/docs`)
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
    }
  })

  it('needs no key, as it tells of nobody', async () => {
    const reference = async () => new Response('{}')
    const { app } = appOver(fakeLanes(HELLO), { reference, apiKeys: 'a'.repeat(64) })
    expect((await app.request(`${ORIGIN}/openapi.json`)).status).toBe(200)
  })
})

// The pages of docs/dialects come from the schemas that check bodies, and from notes on what each field does.

import * as z from 'zod/mini'
import { samplingFields } from '../../src/api/dialects/sampling-fields.ts'
import { plainPath, ROUTES, type Route } from '../../src/api/routes.ts'
import { OPERATIONS } from '../../tools/openapi/operations.ts'
import { table } from '../../tools/markdown.ts'
import { noteOf } from './field-notes.ts'
import { innerFields, valuesOf, type JsonSchema } from './field-values.ts'

/** The pages, each with its routes by name; a route whose fields are another's says so. */
export const DIALECT_PAGES: Readonly<Record<string, readonly string[]>> = {
  chat: ['POST /v1/chat/completions'],
  completions: ['POST /v1/completions'],
  responses: [
    'POST /v1/responses',
    'POST /v1/responses/input_tokens',
    'GET /v1/responses/:id',
    'DELETE /v1/responses/:id',
    'POST /v1/responses/:id/cancel',
    'GET /v1/responses/:id/input_items',
  ],
  conversations: ROUTES.map(nameOf).filter((name) => name.includes('/v1/conversations')),
  messages: ['POST /v1/messages', 'POST /v1/messages/count_tokens'],
  ollama: ROUTES.map(nameOf).filter((name) => name.includes(' /api/')),
  decisions: ['POST /v1/decisions'],
  tokens: ['POST /tokenize', 'POST /detokenize', 'POST /apply-template'],
  embeddings: ['POST /v1/embeddings', 'POST /v1/rerank'],
}

/** Routes that take the fields of another one, and the page that has these. */
const LIKE: Readonly<Record<string, { route: string; page: string }>> = {
  'POST /v1/responses/input_tokens': { route: 'POST /v1/responses', page: 'responses' },
  'POST /v1/messages/count_tokens': { route: 'POST /v1/messages', page: 'messages' },
  'POST /apply-template': { route: 'POST /v1/chat/completions', page: 'chat' },
  'POST /api/generate': { route: 'POST /api/chat', page: 'ollama' },
}

const INSIDE = '### Inside these fields\n\n'

type Field = { name: string; schema: JsonSchema; required: boolean }

function nameOf({ method, path }: Route): string {
  return `${method} ${plainPath(path)}`
}

function routeOf(name: string): Route {
  const route = ROUTES.find((each) => nameOf(each) === name)
  if (route === undefined) throw new Error(`no route is ${name}`)
  return route
}

/** A block `dialect-NAME` for each page. */
export function dialectBlocks(): [name: string, text: string][] {
  return Object.entries(DIALECT_PAGES).map(([page, routes]) => [`dialect-${page}`, pageOf(routes)])
}

/** The fields that a route's body may have, as its schema says. */
export function fieldsOf(name: string): Field[] {
  const { body } = routeOf(name)
  if (body === undefined) return []
  const { properties = {}, required = [] } = z.toJSONSchema(body, { io: 'input' }) as JsonSchema
  const fields = Object.entries(properties).map(([field, schema]) => ({
    name: field,
    schema,
    required: required.includes(field),
  }))
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)]
}

/** Routes that read no fields are a table, the others a section each. */
function pageOf(routes: readonly string[]): string {
  const withBody = routes.filter((name) => routeOf(name).body !== undefined)
  const bare = routes.filter((name) => !withBody.includes(name))
  const rows = bare.map((name) => {
    const { query = {} } = OPERATIONS[name] ?? {}
    const parts = Object.entries(query).map(([field, schema]) => queryWords(field, schema))
    return [`\`${name}\``, routeOf(name).summary, parts.join('; ')]
  })
  return [
    ...unrepeated(withBody.map((name) => section(name))),
    ...(rows.length === 0 ? [] : [`## Without a body\n\n${table(['route', '', 'query'], rows, 3)}`]),
  ].join('\n\n')
}

/** The sections, without what a section before has word for word of the insides of its fields. */
function unrepeated(sections: readonly string[]): string[] {
  const seen = new Set<string>()
  return sections.map((text) => {
    const [head, inner] = text.split(INSIDE)
    if (inner === undefined || !seen.has(inner)) {
      if (inner !== undefined) seen.add(inner)
      return text
    }
    return `${head}Inside these fields is what is inside those above.`
  })
}

function queryWords(field: string, schema: JsonSchema & { default?: unknown }): string {
  const usual = schema.default
  const without = usual === undefined ? '' : ` (${JSON.stringify(usual)})`
  return `\`${field}\`: ${valuesOf(schema)}${without}`
}

function section(name: string): string {
  const fields = fieldsOf(name)
  const like = LIKE[name]
  const others = like === undefined ? [] : fieldsOf(like.route)
  const isShared = ({ name: field, schema }: Field): boolean =>
    others.some((other) => other.name === field && JSON.stringify(other.schema) === JSON.stringify(schema))
  const shared = fields.filter(isShared)
  const rest = fields.filter((field) => !isShared(field))
  return [
    `## \`${name}\``,
    sentence(routeOf(name).summary),
    ...(like === undefined ? [] : [sharedWords(shared, others, like)]),
    ...fieldTables(name, rest),
  ].join('\n\n')
}

function sharedWords(
  shared: readonly Field[],
  others: readonly Field[],
  { route, page }: { route: string; page: string },
): string {
  const link = `[\`${route}\`](${page}.md)`
  if (shared.length === others.length) return `All fields of ${link}.`
  const names = shared.map((field) => `\`${field.name}\``).join(', ')
  return `As for ${link}: ${names}.`
}

function fieldTables(route: string, fields: readonly Field[]): string[] {
  const ignored = fields.filter(({ schema }) => schema.description === 'Ignored.')
  const refused = fields.filter(({ schema }) => schema.description === 'Not supported.')
  const supported = fields.filter((field) => !ignored.includes(field) && !refused.includes(field))
  const sampling = supported.filter(({ name }) => Object.hasOwn(samplingFields, name))
  const own = supported.filter((field) => !sampling.includes(field))
  const inner = supported.flatMap(({ name, schema }) => innerFields(schema, name))
  const list = (some: readonly Field[]): string => some.map(({ name }) => `\`${name}\``).join(', ')
  return [
    ...(own.length === 0 ? [] : [fieldTable(route, own)]),
    ...(sampling.length === 0 ? [] : ['### Sampling', fieldTable(route, sampling)]),
    ...(ignored.length === 0 ? [] : [`**Accepted, without effect:** ${list(ignored)}.`]),
    ...(refused.length === 0 ? [] : [`**Refused** (\`unsupported_parameter\`): ${list(refused)}.`]),
    ...(inner.length === 0
      ? []
      : [
          INSIDE.trim(),
          table(
            ['field', 'values', ''],
            inner.map(({ path, values, required, of }) => [
              `\`${path}\``,
              values,
              [...(required ? ['required'] : []), ...(of.length === 0 ? [] : [`of ${of.map((type) => `\`${type}\``).join(', ')}`])].join(', '), // prettier-ignore
            ]),
            3,
          ),
        ]),
  ]
}

function fieldTable(route: string, fields: readonly Field[]): string {
  const rows = fields.map(({ name, schema, required }) => {
    const { without, does } = noteOf(route, name)
    const only = /^Supported only as (.*)\.$/.exec(schema.description ?? '')?.[1]
    const values =
      only === undefined
        ? valuesOf(schema)
        : `only ${only.replaceAll(/[^ ]+(?= or )|(?<= or )[^ ]+|^[^ ]+$/g, '`$&`')}`
    return [`\`${name}\``, values, required ? '**required**' : without, does]
  })
  return table(['field', 'values', 'without it', 'what it does'], rows, 4)
}

function sentence(words: string): string {
  return `${words[0].toUpperCase()}${words.slice(1)}.`
}

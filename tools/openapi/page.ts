// The reference page is the OpenAPI document for people: one static file, without scripts and without a network.

import type { Document } from './document.ts'
import type { Schema } from './shapes.ts'

type Operation = {
  tags: string[]
  summary: string
  parameters?: { name: string; in: string; description?: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { description: string; content: Record<string, { schema: Schema }> }>
  security: Record<string, string[]>[]
}

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;background:#8881;border-radius:4px}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #8884}
details{border:1px solid #8884;border-radius:4px;margin:.5rem 0;padding:.5rem .75rem}summary{cursor:pointer}
summary b{font:600 13px ui-monospace,monospace;display:inline-block;min-width:4.5rem}h4{margin:.75rem 0 .25rem}`

/** The page of a document, in HTML. */
export function referencePage(document: Document): string {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      path,
      method,
      operation: operation as unknown as Operation,
    })),
  )
  const byTag = Map.groupBy(operations, ({ operation }) => operation.tags[0])
  const { title, version, description } = document.info as Record<string, string>
  const sections = [...byTag].map(
    ([tag, own]) => `<h2>${text(tag)}</h2>\n${own.map((one) => section(one, document)).join('\n')}`,
  )
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<details id="${text(name)}"><summary><code>${text(name)}</code></summary>${block(schema)}</details>`,
  )
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(title)} API</title><style>${STYLE}</style>
<h1>${text(title)} API <small>${text(version)}</small></h1>
<p>${text(description)} The same for programs: <a href="openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
<h2>Shapes</h2>
${schemas.join('\n')}
</html>
`
}

function section(
  { path, method, operation }: { path: string; method: string; operation: Operation },
  document: Document,
): string {
  const { summary, parameters = [], requestBody, responses, security } = operation
  const scopes = security.flatMap(({ key }) => key)
  const key =
    security.length === 0
      ? 'No key.'
      : `A key${scopes.length > 0 ? ` with the scope ${scopes.join(' or ')}` : ''}.`
  const parts = [`<p>${key}</p>`]
  if (parameters.length > 0)
    parts.push(
      table(parameters.map((one) => [`${one.name} (${one.in})`, rule(one.schema), one.description ?? ''])),
    )
  const body = requestBody?.content['application/json']?.schema
  if (body !== undefined) parts.push('<h4>Body</h4>', fields(resolved(body, document)))
  parts.push(
    '<h4>Answers</h4>',
    table(
      Object.entries(responses).map(([status, { description, content }]) => [
        status,
        Object.entries(content)
          .map(([type, { schema }]) => `${text(type)} ${link(schema)}`)
          .join('<br>'),
        description,
      ]),
      true,
    ),
  )
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${text(path)}</code> ${code(summary)}</summary>${parts.join('\n')}</details>`
}

function fields(schema: Schema): string {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Schema>
    required?: string[]
  }
  return table(
    Object.entries(properties).map(([name, field]) => [
      required.includes(name) ? `${name} (required)` : name,
      rule(field),
      typeof field['description'] === 'string' ? field['description'] : '',
    ]),
  )
}

/** A schema in a few words. */
function rule(schema: Schema): string {
  const { $ref: target, enum: values, const: value, type, anyOf, items, minimum, maximum } = schema
  if (typeof target === 'string') return target.slice(target.lastIndexOf('/') + 1)
  if (Array.isArray(values)) return values.map((one) => JSON.stringify(one)).join(', ')
  if (value !== undefined) return JSON.stringify(value)
  if (Array.isArray(anyOf)) return [...new Set((anyOf as Schema[]).map(rule))].join(' or ')
  if (type === 'array') return `array of ${items === undefined ? 'anything' : rule(items as Schema)}`
  const safe = (bound: unknown): boolean =>
    typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER
  const bounds = [
    safe(minimum) ? ` from ${String(minimum)}` : '',
    safe(maximum) ? ` to ${String(maximum)}` : '',
  ]
  return `${typeof type === 'string' ? type : 'anything'}${bounds.join('')}`
}

function resolved(schema: Schema, document: Document): Schema {
  const target = schema['$ref']
  return typeof target === 'string'
    ? document.components.schemas[target.slice(target.lastIndexOf('/') + 1)]
    : schema
}

function link(schema: Schema): string {
  const inner = (schema['contentSchema'] as Schema | undefined) ?? schema
  const name = rule(inner)
  return inner['$ref'] === undefined ? '' : `<a href="#${text(name)}">${text(name)}</a>`
}

function table(rows: string[][], isHtml = false): string {
  const cells = (row: string[]): string =>
    row
      .map(
        (cell, at) =>
          `<td>${at === 0 ? `<code>${text(cell)}</code>` : at === 1 && isHtml ? cell : code(cell)}</td>`,
      )
      .join('')
  return `<table>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}</table>`
}

/** JSON of which what holds one thing alone, such as a type, takes one line. */
function block(value: unknown): string {
  const json = JSON.stringify(value, undefined, 1)
  return `<pre>${text(json.replace(/([{[])\n +([^{}[\]\n]+)\n +([}\]])/g, '$1 $2 $3'))}</pre>`
}

/** Text with its \`code\` marked. */
function code(value: string): string {
  return text(value).replace(/`([^`]*)`/g, '<code>$1</code>')
}

function text(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

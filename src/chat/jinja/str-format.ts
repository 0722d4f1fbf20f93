// A format string fills its fields within the sandbox: a field reaches what a template reaches.

import { TemplateError, valueError } from './errors.ts'
import { formatValue } from './format.ts'
import type { Meter } from './meter.ts'
import { repr, str } from './repr.ts'
import { escapeHtml } from './strings.ts'
import { Markup, type Named, type Value } from './values.ts'

/** How fields look into values: as templates do. */
export type Reach = {
  attribute: (of: Value, name: string, meter: Meter) => Value
  item: (of: Value, key: Value, meter: Meter) => Value
}

type Fields = {
  reach: Reach
  args: readonly Value[]
  named: (name: string) => Value | undefined
  next: number
}

/** `text.format(*args, **named)`. */
export function strFormat(
  text: string,
  args: readonly Value[],
  named: Named,
  meter: Meter,
  marked: boolean,
  reach: Reach,
): string {
  return filled(text, { reach, args, named: (name) => named.get(name), next: 0 }, meter, marked, 2)
}

/** `text.format_map(mapping)`. */
export function formatMap(text: string, mapping: Value, meter: Meter, marked: boolean, reach: Reach): string {
  const named = (name: string): Value => reach.item(mapping, name, meter)
  return filled(text, { reach, args: [], named, next: 0 }, meter, marked, 2)
}

const FIELD =
  /^(?<first>[^.[!:]*)(?<path>(?:\.[^.[!:]+|\[[^\]]*\])*)(?:!(?<conversion>[rsa]))?(?::(?<spec>.*))?$/s

function filled(text: string, fields: Fields, meter: Meter, marked: boolean, depth: number): string {
  if (depth < 0) throw valueError('Max string recursion exceeded')
  let out = ''
  for (let at = 0; at < text.length;) {
    const character = text[at]
    if (character !== '{' && character !== '}') {
      const next = text.slice(at).search(/[{}]/)
      const end = next < 0 ? text.length : at + next
      out += text.slice(at, end)
      at = end
    } else if (text[at + 1] === character) {
      out += character
      at += 2
    } else if (character === '}') throw valueError("Single '}' encountered in format string")
    else {
      const end = closing(text, at)
      out += field(text.slice(at + 1, end), fields, meter, marked, depth)
      at = end + 1
    }
    meter.make(out.length)
  }
  return out
}

function closing(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return at
  }
  throw valueError(
    open === text.length - 1
      ? "Single '{' encountered in format string"
      : "expected '}' before end of string",
  )
}

function field(inner: string, fields: Fields, meter: Meter, marked: boolean, depth: number): string {
  const { first = '', path = '', conversion, spec = '' } = FIELD.exec(inner)?.groups ?? wrong()
  const key = first === '' ? fields.next++ : /^\d+$/.test(first) ? Number(first) : first
  let value = typeof key === 'number' ? fields.args[key] : fields.named(key)
  if (value === undefined)
    throw typeof key === 'number'
      ? new TemplateError(
          'IndexError',
          'Replacement index ' + key + ' out of range for positional args tuple',
        )
      : new TemplateError('KeyError', `'${key}'`)
  for (const [step] of path.matchAll(/\.[^.[]+|\[[^\]]*\]/g)) {
    const name = step.startsWith('.') ? step.slice(1) : step.slice(1, -1)
    if (step.startsWith('.')) value = fields.reach.attribute(value, name, meter)
    else value = fields.reach.item(value, /^\d+$/.test(name) ? Number(name) : name, meter)
  }
  if (conversion !== undefined) value = conversion === 's' ? str(value, meter) : repr(value, meter)
  const text = formatValue(value, filled(spec, fields, meter, false, depth - 1), meter)
  return marked && !(value instanceof Markup) ? escapeHtml(text) : text
}

function wrong(): never {
  throw valueError('expected a field in format string')
}

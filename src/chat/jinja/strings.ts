// Strings count code points here, and white space is what Python takes for it.

import { TemplateLimit } from './errors.ts'

/** Python's white space, for a class of a regular expression. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const SURROGATE = /[\ud800-\udfff]/
const LEADING = new RegExp(`^[${SPACE}]+`)
const SPACES = new Set('\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000')
for (let code = 0x2000; code <= 0x200a; code++) SPACES.add(String.fromCharCode(code))

export function isSpace(character: string): boolean {
  return SPACES.has(character)
}

/** The code points of a text, as strings; where there are no surrogates the text itself will do. */
export function pointsOf(text: string): string | string[] {
  return SURROGATE.test(text) ? Array.from(text) : text
}

/** The length in code points. */
export function lengthOf(text: string): number {
  return pointsOf(text).length
}

export type Side = 'both' | 'start' | 'end'

/** Without white space, or without these characters, at its ends. */
export function stripped(text: string, characters: string | undefined, side: Side): string {
  if (characters === undefined) {
    const rest = side === 'end' ? text : text.replace(LEADING, '')
    let end = rest.length
    if (side !== 'start') while (end > 0 && SPACES.has(rest[end - 1])) end--
    return rest.slice(0, end)
  }
  const taken = new Set(characters)
  const points = pointsOf(text)
  let [start, end] = [0, points.length]
  if (side !== 'end') while (start < end && taken.has(points[start])) start++
  if (side !== 'start') while (end > start && taken.has(points[end - 1])) end--
  const kept = points.slice(start, end)
  return typeof kept === 'string' ? kept : kept.join('')
}

const LINE = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g

/** The lines of a text without their ends, or with them. */
export function linesOf(text: string, keepEnds = false): string[] {
  const lines: string[] = []
  let done = 0
  for (const { index, 0: end } of text.matchAll(LINE)) {
    lines.push(text.slice(done, keepEnds ? index + end.length : index))
    done = index + end.length
  }
  if (done < text.length) lines.push(text.slice(done))
  return lines
}

const HTML: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&#34;' },
}

/** Escaped for HTML as Jinja's `escape` does it. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>'"]/g, (character) => HTML[character])
}

/** Text of a width in code points, filled before, behind or on both sides. */
export function padded(text: string, width: number, fill: string, align: '<' | '>' | '^'): string {
  const missing = width - lengthOf(text)
  if (missing <= 0) return text
  if (missing > 1 << 22) throw new TemplateLimit(`makes a value of ${missing} characters or entries`)
  const before = align === '<' ? 0 : align === '>' ? missing : Math.floor(missing / 2)
  return fill.repeat(before) + text + fill.repeat(missing - before)
}

/** `str.title`: a letter after one without case is a capital. */
export function titleCase(text: string): string {
  return text.replaceAll(/[\p{Lowercase}\p{Uppercase}\p{Lt}]+/gu, (word) => capitalized(word))
}

/** Letters of two signs begin a word in a form of their own. */
const TITLES: Readonly<Record<string, string>> = { Ǆ: 'ǅ', Ǉ: 'ǈ', Ǌ: 'ǋ', Ǳ: 'ǲ' }

/** The first character a capital, the others small. */
export function capitalized(text: string): string {
  const [first = ''] = text
  const [head = '', ...more] = TITLES[first.toUpperCase()] ?? first.toUpperCase()
  return head + more.join('').toLowerCase() + text.slice(first.length).toLowerCase()
}

// A JSON reader makes a tree of a JSON text as far as it has come.

/** A stretch of text; `forced`: the schema left no choice for it. */
export type Run = { text: string; forced: boolean }

export type JsonNode = {
  /** What it begins with: a brace, a bracket, a quote, or a character of a word. */
  opens: string
  /** Where its text begins, and the place behind its end as far as it came, in UTF-16 units. */
  start: number
  end: number
  isWhole: boolean
  /** As far as it came; of a string without quotes and escapes. */
  text: string
  /** Of an object, and of an array, whose members have no key. */
  members: Member[]
}
export type Member = { key?: JsonNode; value?: JsonNode }
/** `brokenAt`: where something begins that cannot be there, a character, or a word that is none. */
export type Reading = { root?: JsonNode; brokenAt?: number; isWhole: boolean }

const SPACE = /[ \n\r\t]*/y
const WORD = /[-+.\w]*/y
const STRING = /"([ -!#-[\]-\uffff]+|\\(["\\/bfnrt]|u[\da-fA-F]{4}))*/y
const HALF_ESCAPE = /\\(u[\da-fA-F]{0,3})?/y
const IS_WORD = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null)$/

export const isHolder = ({ opens }: JsonNode): boolean => /[{[]/.test(opens)

/** Reads a text to its end, or to what cannot be there. Nothing tells the end of a number or word but what stands behind it. */
export function readJson(text: string): Reading {
  const reading: Reading = { isWhole: false }
  let at = 0
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? ['']
    at += found.length
    return found
  }
  const next = (): string | undefined => (take(SPACE), text[at])
  const is = (char: string): boolean => next() === char && ++at > 0

  function value(put: (node: JsonNode) => void): boolean {
    const char = next() ?? ''
    if (!/["\-\dtfn{[]/.test(char)) return false
    const node: JsonNode = { opens: char, start: at, end: at, isWhole: false, text: '', members: [] }
    put(node)
    node.isWhole = char === '"' ? string() : isHolder(node) ? list(node) : word()
    node.end = at
    node.text = said(text.slice(node.start, at))
    return node.isWhole
  }

  function string(): boolean {
    take(STRING)
    if (text[at] === '"') return ++at > 0
    take(HALF_ESCAPE)
    return false
  }

  function word(): boolean {
    const word = take(WORD)
    if (at === text.length) return false
    if (IS_WORD.test(word)) return true
    at -= word.length
    return false
  }

  function list({ opens, members }: JsonNode): boolean {
    const close = opens === '{' ? '}' : ']'
    at++
    if (is(close)) return true
    do {
      const member: Member = {}
      const begin = (part: Member): void => {
        if (member.key === undefined) members.push(member)
        Object.assign(member, part)
      }
      if (opens === '{' && !(next() === '"' && value((key) => begin({ key })) && is(':'))) return false
      if (!value((value) => begin({ value }))) return false
    } while (is(','))
    return is(close)
  }

  reading.isWhole = value((root) => (reading.root = root)) && next() === undefined
  if (at < text.length) reading.brokenAt = at
  return reading
}

/** What a value says as far as it came: of a string no half escapes, no half characters. */
function said(source: string): string {
  if (source[0] !== '"') return source
  STRING.lastIndex = 0
  const valid = STRING.exec(source)?.[0] ?? '"'
  const text = JSON.parse(`${valid}"`) as string
  return source[valid.length] === '"' ? text : text.replace(/[\ud800-\udbff]$/, '')
}

export const textOf = (runs: readonly Run[]): string => runs.map(({ text }) => text).join('')

/** Adds to what came, in runs of one kind. */
export function add(runs: Run[], text: string, forced: boolean): void {
  const last = runs.at(-1)
  if (last?.forced === forced) last.text += text
  else runs.push({ text, forced })
}

/** The text of a leaf, part by part as the runs of the whole text came. */
export function runsOf({ start, end }: JsonNode, runs: readonly Run[]): Run[] {
  const whole = textOf(runs)
  const made: Run[] = []
  let place = 0
  let before = 0
  for (const { text, forced } of runs) {
    place += text.length
    const now = said(whole.slice(start, Math.min(place, end)))
    if (now.length > before) made.push({ text: now.slice(before), forced })
    before = Math.max(before, now.length)
  }
  return made
}

/** The part of a JSON text that a JSON pointer names, or the nearest one that holds it where it names nothing. */
export function nodeAt(root: JsonNode, pointer: string): JsonNode {
  let node = root
  for (const escaped of pointer.split('/').slice(1)) {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    const next = node.members.findLast(({ key }, at) => (key?.text ?? String(at)) === name)?.value
    if (next === undefined) break
    node = next
  }
  return node
}

// A JSON reader builds a tree of JSON text as it comes, character by character, so that what is there can be shown.

/** A stretch of text; `forced`: the schema left no choice for it. */
export type Run = { text: string; forced: boolean }

type Placed = {
  /** Where its text begins, and the place behind its end as far as it came, in UTF-16 units. */
  start: number
  end: number
  isWhole: boolean
}
/** `bare`: a number, true, false or null. */
export type Leaf = Placed & { kind: 'string' | 'bare'; runs: Run[] }
export type Member = { key: Leaf; value?: JsonNode }
export type JsonNode =
  Leaf | (Placed & { kind: 'array'; items: JsonNode[] }) | (Placed & { kind: 'object'; members: Member[] })
type Holder = Exclude<JsonNode, Leaf>

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/
const NUMBER_BEGUN = /^-?((0|[1-9]\d*)(\.\d*)?|(0|[1-9]\d*)(\.\d+)?[eE][+-]?\d*)?$/
const WORDS = ['true', 'false', 'null']
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '"': '"', '\\': '\\', '/': '/' },
  ...{ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' },
}

/** Reads one JSON text. What cannot be JSON breaks it: it stays as it was before, and takes nothing more. */
export class JsonReader {
  root: JsonNode | undefined
  /** Where the first character stands that cannot be there. */
  brokenAt: number | undefined
  #at = 0
  readonly #open: Holder[] = []
  /** A string or bare word that goes on, or may. */
  #leaf: Leaf | undefined
  /** Of an escape: what came behind the backslash. */
  #escape: string | undefined
  /** Half a character, until its other half comes. */
  #half = ''
  /** What may come between values; `first`: a closing bracket, too. */
  #next: 'value' | 'first' | 'key' | 'colon' | 'comma' | 'nothing' = 'value'

  /** Characters that were read. */
  get length(): number {
    return this.#at
  }

  push(text: string, forced = false): void {
    for (let i = 0; i < text.length && this.brokenAt === undefined; i++) {
      if (!this.#take(text[i], forced)) this.brokenAt = this.#at
      else this.#at++
    }
  }

  /** The text has ended; whether it was JSON. */
  end(): boolean {
    if (this.#leaf?.kind === 'bare' && !this.#closeBare()) this.brokenAt ??= this.#at
    return this.brokenAt === undefined && this.root?.isWhole === true
  }

  #take(char: string, forced: boolean): boolean {
    if (this.#leaf?.kind === 'string') return this.#takeInString(this.#leaf, char, forced)
    if (this.#leaf !== undefined) {
      if (/[-+.\w]/.test(char)) return this.#takeBare(this.#leaf, char, forced)
      if (!this.#closeBare()) return false
    }
    if (char === ' ' || char === '\n' || char === '\r' || char === '\t') return true
    const holder = this.#open.at(-1)
    if (this.#next === 'comma' || this.#next === 'first') {
      if (holder !== undefined && char === (holder.kind === 'array' ? ']' : '}')) return this.#closeHolder()
    }
    switch (this.#next) {
      case 'nothing':
        return false
      case 'comma':
        if (char !== ',') return false
        this.#next = holder?.kind === 'object' ? 'key' : 'value'
        return true
      case 'colon':
        if (char !== ':') return false
        this.#next = 'value'
        return true
      case 'key':
        return this.#openKey(char)
      case 'first':
        return holder?.kind === 'object' ? this.#openKey(char) : this.#openValue(char, forced)
      case 'value':
        return this.#openValue(char, forced)
    }
  }

  #openKey(char: string): boolean {
    const holder = this.#open.at(-1)
    if (char !== '"' || holder?.kind !== 'object') return false
    this.#leaf = this.#made('string')
    holder.members.push({ key: this.#leaf })
    this.#next = 'colon'
    return true
  }

  #openValue(char: string, forced: boolean): boolean {
    const at = { start: this.#at, end: this.#at + 1, isWhole: false }
    if (char === '{' || char === '[') {
      const made: Holder =
        char === '{' ? { kind: 'object', members: [], ...at } : { kind: 'array', items: [], ...at }
      this.#place(made)
      this.#open.push(made)
      this.#next = 'first'
      return true
    }
    const isString = char === '"'
    if (!isString && !/[-\dtfn]/.test(char)) return false
    const leaf = (this.#leaf = this.#made(isString ? 'string' : 'bare'))
    this.#place(leaf)
    this.#next = this.#open.length > 0 ? 'comma' : 'nothing'
    return isString || this.#takeBare(leaf, char, forced)
  }

  #made(kind: Leaf['kind']): Leaf {
    return { kind, runs: [], start: this.#at, end: this.#at + 1, isWhole: false }
  }

  #place(value: JsonNode): void {
    const holder = this.#open.at(-1)
    if (holder === undefined) this.root = value
    else if (holder.kind === 'array') holder.items.push(value)
    else holder.members[holder.members.length - 1].value = value
  }

  #closeHolder(): boolean {
    const holder = this.#open.pop()
    if (holder === undefined) return false
    holder.end = this.#at + 1
    holder.isWhole = true
    this.#next = this.#open.length > 0 ? 'comma' : 'nothing'
    return true
  }

  #takeBare(leaf: Leaf, char: string, forced: boolean): boolean {
    const text = textOf(leaf) + char
    if (!NUMBER_BEGUN.test(text) && !WORDS.some((word) => word.startsWith(text))) return false
    add(leaf, char, forced)
    leaf.end = this.#at + 1
    return true
  }

  /** False where it is but the beginning of something, as `-` and `tru` are. */
  #closeBare(): boolean {
    const leaf = this.#leaf
    if (leaf === undefined) return true
    const text = textOf(leaf)
    if (!NUMBER.test(text) && !WORDS.includes(text)) return false
    leaf.isWhole = true
    this.#leaf = undefined
    return true
  }

  #takeInString(leaf: Leaf, char: string, forced: boolean): boolean {
    const said = this.#inString(leaf, char, forced)
    if (said) leaf.end = this.#at + 1
    return said
  }

  #inString(leaf: Leaf, char: string, forced: boolean): boolean {
    const escape = this.#escape
    if (escape === undefined) {
      if (char === '"') {
        this.#say(leaf, '', forced)
        leaf.isWhole = true
        this.#leaf = undefined
      } else if (char === '\\') this.#escape = ''
      else if (char < ' ') return false
      else this.#say(leaf, char, forced)
      return true
    }
    if (escape === '' && char !== 'u') {
      const said = Object.hasOwn(ESCAPES, char) ? ESCAPES[char] : undefined
      if (said === undefined) return false
      this.#escape = undefined
      this.#say(leaf, said, forced)
      return true
    }
    if (escape !== '' && !/[\da-fA-F]/.test(char)) return false
    this.#escape = escape + char
    if (this.#escape.length < 5) return true
    this.#say(leaf, String.fromCharCode(parseInt(this.#escape.slice(1), 16)), forced)
    this.#escape = undefined
    return true
  }

  /** Adds `char` of a string, halves of a character together; none at its end. */
  #say(leaf: Leaf, char: string, forced: boolean): void {
    const text = this.#half + char
    this.#half = ''
    if (/[\ud800-\udbff]$/.test(char)) {
      this.#half = char
      add(leaf, text.slice(0, -1), forced)
    } else add(leaf, text, forced)
  }
}

function add(leaf: Leaf, text: string, forced: boolean): void {
  if (text === '') return
  const last = leaf.runs.at(-1)
  if (last?.forced === forced) last.text += text
  else leaf.runs.push({ text, forced })
}

/** The text of a leaf as far as it came: of a string without its escapes. */
export function textOf({ runs }: Leaf): string {
  return runs.map(({ text }) => text).join('')
}

/** The value of a tree as far as it came: members without a value and words that are not whole are left out. */
export function valueOf(node: JsonNode): unknown {
  switch (node.kind) {
    case 'array':
      return node.items.map(valueOf).filter((value) => value !== undefined)
    case 'object':
      return Object.fromEntries(
        node.members.flatMap(({ key, value }) => {
          const said = value && valueOf(value)
          return said === undefined ? [] : [[textOf(key), said]]
        }),
      )
    case 'string':
      return textOf(node)
    case 'bare':
      return node.isWhole ? JSON.parse(textOf(node)) : undefined
  }
}

/** The part of a JSON text that a JSON pointer names, or the nearest one that holds it where it names nothing. */
export function nodeAt(root: JsonNode, pointer: string): JsonNode {
  let node = root
  for (const escaped of pointer.split('/').slice(1)) {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    const next: JsonNode | undefined =
      node.kind === 'object'
        ? node.members.findLast(({ key }) => textOf(key) === name)?.value
        : node.kind === 'array'
          ? node.items[Number(name)]
          : undefined
    if (next === undefined) break
    node = next
  }
  return node
}

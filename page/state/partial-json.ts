// A JSON reader builds a tree of JSON text as it comes, character by character.

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

const BARE = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null)$/
/** What may stand behind a backslash, and what each says. */
const ESCAPES = '"\\/bfnrt'
const ESCAPED = '"\\/\b\f\n\r\t'

/** Reads one JSON text. What cannot be JSON breaks it: it stays as it was before, and takes nothing more. */
export class JsonReader {
  root: JsonNode | undefined
  /** Where something begins that cannot be there: a character, or a word that is none. */
  brokenAt: number | undefined
  #at = 0
  #isForced = false
  readonly #open: Holder[] = []
  /** A string or bare word that goes on, or may. */
  #leaf: Leaf | undefined
  /** Of an escape: what came behind the backslash. */
  #escape: string | undefined
  /** Half a character, until its other half comes. */
  #half = ''
  /** What may come between values; `first`: a closing bracket, too. */
  #next: 'value' | 'first' | 'key' | 'colon' | 'comma' | 'nothing' = 'value'

  push(text: string, forced = false): void {
    this.#isForced = forced
    for (const unit of text.split('')) {
      if (this.brokenAt !== undefined) return
      if (!this.#take(unit)) this.brokenAt ??= this.#at
      this.#at++
    }
  }

  /** The text has ended; whether it was JSON. */
  end(): boolean {
    return this.#closeBare() && this.brokenAt === undefined && this.root?.isWhole === true
  }

  #take(char: string): boolean {
    const leaf = this.#leaf
    if (leaf !== undefined && (leaf.kind === 'string' || /[-+.\w]/.test(char))) {
      const fits = leaf.kind === 'string' ? this.#inString(leaf, char) : add(leaf, char, this.#isForced)
      if (fits) leaf.end = this.#at + 1
      return fits
    }
    if (!this.#closeBare()) return false
    if (' \n\r\t'.includes(char)) return true
    const holder = this.#open.at(-1)
    const isObject = holder?.kind === 'object'
    const next = this.#next
    if (holder !== undefined && char === (isObject ? '}' : ']') && (next === 'comma' || next === 'first')) {
      this.#open.pop()
      holder.end = this.#at + 1
      return this.#whole(holder)
    }
    if (next === 'comma' && char === ',') this.#next = isObject ? 'key' : 'value'
    else if (next === 'colon' && char === ':') this.#next = 'value'
    else if (isObject && (next === 'key' || next === 'first')) {
      if (char !== '"') return false
      this.#leaf = { kind: 'string', runs: [], ...this.#place() }
      holder.members.push({ key: this.#leaf })
    } else return (next === 'value' || next === 'first') && this.#openValue(char, holder)
    return true
  }

  #openValue(char: string, holder: Holder | undefined): boolean {
    const place = this.#place()
    let made: JsonNode
    if (char === '{') made = { kind: 'object', members: [], ...place }
    else if (char === '[') made = { kind: 'array', items: [], ...place }
    else if (/["\-\dtfn]/.test(char))
      this.#leaf = made = { kind: char === '"' ? 'string' : 'bare', runs: [], ...place }
    else return false
    if (holder === undefined) this.root = made
    else if (holder.kind === 'array') holder.items.push(made)
    else holder.members[holder.members.length - 1].value = made
    if (made.kind === 'bare') add(made, char, this.#isForced)
    else if (made.kind === 'object' || made.kind === 'array') {
      this.#open.push(made)
      this.#next = 'first'
    }
    return true
  }

  #place(): Placed {
    return { start: this.#at, end: this.#at + 1, isWhole: false }
  }

  /** Behind a name comes a colon, behind a value what goes on with what holds it. */
  #whole(node: JsonNode): boolean {
    const holder = this.#open.at(-1)
    const isKey = holder?.kind === 'object' && holder.members.at(-1)?.key === node
    this.#next = isKey ? 'colon' : holder === undefined ? 'nothing' : 'comma'
    this.#leaf = undefined
    return (node.isWhole = true)
  }

  /** False where it is none, or but the beginning of one, as `-` and `tru` are. */
  #closeBare(): boolean {
    const leaf = this.#leaf
    if (leaf?.kind !== 'bare') return true
    if (BARE.test(textOf(leaf))) return this.#whole(leaf)
    this.brokenAt ??= leaf.start
    return false
  }

  #inString(leaf: Leaf, char: string): boolean {
    const escape = this.#escape
    if (escape === undefined) {
      if (char === '"') return this.#say(leaf, '') && this.#whole(leaf)
      if (char !== '\\') return char >= ' ' && this.#say(leaf, char)
      this.#escape = ''
      return true
    }
    this.#escape = escape + char
    if (escape === '' && char !== 'u') {
      const at = ESCAPES.indexOf(char)
      return at >= 0 && this.#say(leaf, ESCAPED[at])
    }
    if (escape !== '' && !/[\da-f]/i.test(char)) return false
    return escape.length < 4 || this.#say(leaf, String.fromCharCode(parseInt(escape.slice(1) + char, 16)))
  }

  /** Adds `char` of a string, halves of a character together. */
  #say(leaf: Leaf, char: string): boolean {
    this.#escape = undefined
    const text = this.#half + char
    this.#half = /[\ud800-\udbff]$/.test(char) ? char : ''
    return add(leaf, text.slice(0, text.length - this.#half.length), this.#isForced)
  }
}

/** Adds to what came, in runs of one kind. */
export function add({ runs }: { runs: Run[] }, text: string, forced: boolean): true {
  const last = runs.at(-1)
  if (last?.forced === forced) last.text += text
  else if (text !== '') runs.push({ text, forced })
  return true
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

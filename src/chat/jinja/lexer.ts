// The lexer cuts a template into tokens, and keeps the white space that Jinja keeps.

import { TemplateSyntax } from './errors.ts'
import { SPACE, stripped } from './strings.ts'

export type Token = {
  type: 'data' | 'name' | 'string' | 'integer' | 'float' | 'op' | 'begin' | 'end' | 'eof'
  /** Of `begin` and `end`: `%` of a block, `}` of a print. */
  text: string
  line: number
}

const OPENING = /\{%[-+]?\s*raw\s*(?:-%\}|%\})|\{([%#{])([-+]?)/g
const WORD = new RegExp(
  [
    `(?<space>[${SPACE}]+)`,
    String.raw`(?<float>(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+))`,
    String.raw`(?<integer>0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*)`,
    String.raw`(?<name>[\p{L}\p{N}\p{M}_]+)`,
    String.raw`(?<string>'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")`,
    String.raw`(?<op>\/\/|\*\*|[=!><]=|[-+\/*%~[\](){}><=.:|,;])`,
  ].join('|'),
  'suyi',
)
const IDENTIFIER = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u
const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }
const ENDS = {
  '%': new RegExp(`(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, 'y'),
  '{': new RegExp(`(?:-\\}\\}[${SPACE}]*|\\}\\})`, 'y'),
  '#': new RegExp(`(?:\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?)`, 'g'),
}
const RAW_END = new RegExp(`\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, 'g')
const ONLY_SPACE = new RegExp(`^[${SPACE}]+$`)

/** The tokens of a template. Throws TemplateSyntax. */
export function tokenize(template: string): Token[] {
  return new Lexer(template).tokens
}

class Lexer {
  readonly tokens: Token[] = []
  readonly #source: string
  #at = 0
  #line = 1
  /** Whether what comes stands at the beginning of a line. */
  #fresh = true

  constructor(template: string) {
    const source = template.replaceAll(/\r\n?/g, '\n')
    this.#source = source.endsWith('\n') ? source.slice(0, -1) : source
    while (this.#at < this.#source.length) this.#text()
    this.#add('eof', '')
  }

  #add(type: Token['type'], text: string): void {
    this.tokens.push({ type, text, line: this.#line })
  }

  #move(to: number): void {
    for (let at = this.#source.indexOf('\n', this.#at); at >= 0 && at < to;) {
      this.#line++
      at = this.#source.indexOf('\n', at + 1)
    }
    this.#at = to
    this.#fresh = this.#source[to - 1] === '\n'
  }

  #text(): void {
    OPENING.lastIndex = this.#at
    const found = OPENING.exec(this.#source)
    if (found === null) {
      this.#data(this.#source.slice(this.#at), '', true)
      this.#move(this.#source.length)
      return
    }
    const [all, mark, sign] = found
    const raw = mark === undefined
    this.#data(this.#source.slice(this.#at, found.index), raw ? all[2] : sign, mark === '{')
    this.#move(found.index + all.length)
    if (raw) this.#raw(all.endsWith('-%}'))
    else if (mark === '#') this.#comment()
    else this.#tag(mark as '%' | '{')
  }

  /** A `-` takes all white space before a tag; else that of a block's own line goes, unless `+` keeps it. */
  #data(text: string, sign: string, keep: boolean): void {
    let kept = text
    if (sign === '-') kept = stripped(text, undefined, 'end')
    else if (sign !== '+' && !keep) {
      const line = text.lastIndexOf('\n') + 1
      if ((line > 0 || this.#fresh) && ONLY_SPACE.test(text.slice(line))) kept = text.slice(0, line)
    }
    if (kept !== '') this.#add('data', kept)
  }

  #comment(): void {
    ENDS['#'].lastIndex = this.#at
    if (!ENDS['#'].test(this.#source)) throw new TemplateSyntax(this.#line, 'a comment has no end')
    this.#move(ENDS['#'].lastIndex)
  }

  #raw(strip: boolean): void {
    if (strip) {
      const rest = this.#source.slice(this.#at)
      this.#move(this.#source.length - stripped(rest, undefined, 'start').length)
    }
    RAW_END.lastIndex = this.#at
    const end = RAW_END.exec(this.#source)
    if (end === null) throw new TemplateSyntax(this.#line, 'raw has no endraw')
    this.#data(this.#source.slice(this.#at, end.index), end[1], false)
    this.#move(end.index + end[0].length)
  }

  #tag(mark: '%' | '{'): void {
    const open: string[] = []
    this.#add('begin', mark)
    const ends = ENDS[mark]
    for (;;) {
      ends.lastIndex = this.#at
      if (open.length === 0 && ends.test(this.#source)) {
        this.#add('end', mark)
        this.#move(ends.lastIndex)
        return
      }
      this.#word(open)
    }
  }

  #word(open: string[]): void {
    WORD.lastIndex = this.#at
    const groups = WORD.exec(this.#source)?.groups
    if (groups === undefined) {
      const seen = this.#source[this.#at]
      const says = seen === undefined ? 'a tag has no end' : `unexpected character ${JSON.stringify(seen)}`
      throw new TemplateSyntax(this.#line, says)
    }
    const { float, integer, name, string, op } = groups
    if (float !== undefined) this.#add('float', float.replaceAll('_', ''))
    else if (integer !== undefined) this.#add('integer', integer.replaceAll('_', ''))
    else if (name !== undefined) {
      if (!IDENTIFIER.test(name)) throw new TemplateSyntax(this.#line, `invalid character in ${name}`)
      this.#add('name', name)
    } else if (string !== undefined) this.#add('string', this.#unescaped(string.slice(1, -1)))
    else if (op !== undefined) {
      this.#balance(op, open)
      this.#add('op', op)
    }
    this.#move(WORD.lastIndex)
  }

  #balance(op: string, open: string[]): void {
    if ('([{'.includes(op)) open.push(op)
    else if (CLOSES[op] !== undefined && open.pop() !== CLOSES[op])
      throw new TemplateSyntax(this.#line, `unexpected '${op}'`)
  }

  /** As Python's unicode-escape reads text whose other characters were escaped. */
  #unescaped(text: string): string {
    if (!text.includes('\\')) return text
    return text.replaceAll(ESCAPE, (all, code: string) => {
      const hex = /^[xuU]([\da-fA-F]+)$/.exec(code)?.[1]
      if (hex !== undefined && Number.parseInt(hex, 16) < 0x110000)
        return String.fromCodePoint(Number.parseInt(hex, 16))
      if ('xuUN'.includes(code[0])) throw new TemplateSyntax(this.#line, `the escape ${all} in a string`)
      if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8))
      const point = code.codePointAt(0) ?? 0
      return SIMPLE[code] ?? (point < 0x80 ? all : `\\${asciiEscape(point)}`)
    })
  }
}

const ESCAPE = /\\([0-7]{1,3}|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|.)/gsu
const SIMPLE: Readonly<Record<string, string>> = {
  ...{
    '\n': '',
    '\\': '\\',
    "'": "'",
    '"': '"',
    a: '\x07',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
  },
}

/** A backslash before a character that is not ASCII leaves that one's own escape as text. */
function asciiEscape(point: number): string {
  if (point < 0x100) return `x${point.toString(16).padStart(2, '0')}`
  return point < 0x10000
    ? `u${point.toString(16).padStart(4, '0')}`
    : `U${point.toString(16).padStart(8, '0')}`
}

// The parser of statements reads the tags of a template around its expressions.

import type { Expression, Signature, Statement, Target } from './ast.ts'
import { tokenize, type Token } from './lexer.ts'
import { ExpressionParser } from './parser.ts'

/** Tags that would load another template: there is none. */
const LOADS = ['include', 'import', 'from', 'extends']

export type Template = { body: Statement[]; blocks: ReadonlyMap<string, Statement[]> }

/** The statements of a template, and those of its blocks by name. Throws TemplateSyntax. */
export function parseTemplate(source: string): Template {
  return new StatementParser(tokenize(source)).template()
}

class StatementParser extends ExpressionParser {
  #loops = 0
  readonly #blocks = new Map<string, Statement[]>()

  template(): Template {
    return { body: this.#body([], undefined), blocks: this.#blocks }
  }

  /** Statements up to a tag of one of these names, which is the next token then. */
  #body(ends: readonly string[], opened: Token | undefined): Statement[] {
    const statements: Statement[] = []
    for (;;) {
      const token = this.next()
      const { line } = token
      if (token.type === 'eof') {
        if (opened !== undefined) this.fail(`'${opened.text}' has no '${ends[ends.length - 1]}'`, opened.line)
        return statements
      }
      if (token.type === 'data') statements.push({ kind: 'text', text: token.text, line })
      else if (token.text === '{') {
        statements.push({ kind: 'print', value: this.tuple(), line })
        this.expect('end')
      } else {
        if (this.token.type === 'name' && ends.includes(this.token.text)) return statements
        statements.push(this.nest(() => this.#statement()))
        this.expect('end')
      }
    }
  }

  /** The body of a tag, behind its end, up to the tag that closes it. */
  #inner(opened: Token, ...ends: string[]): Statement[] {
    this.skip('op', ':')
    this.expect('end')
    return this.#body(ends, opened)
  }

  #closed(opened: Token, end: string): Statement[] {
    const body = this.#inner(opened, end)
    this.next()
    return body
  }

  #statement(): Statement {
    const opened = this.expect('name')
    const { text, line } = opened
    switch (text) {
      case 'if':
        return this.#if(opened)
      case 'for':
        return this.#for(opened)
      case 'set':
        return this.#set(opened)
      case 'with':
        return this.#with(opened)
      case 'macro': {
        const name = this.expect('name').text
        return { kind: 'macro', name, ...this.#macro(opened, 'endmacro', this.#signature()), line }
      }
      case 'call': {
        const signature = this.is('op', '(') ? this.#signature() : { names: [], defaults: [] }
        const call = this.expression()
        if (call.kind !== 'call') this.fail('expected a call', line)
        return { kind: 'call', call, ...this.#macro(opened, 'endcall', signature), line }
      }
      case 'filter': {
        const body: Expression = { kind: 'body', body: [] }
        let value = this.filter(body)
        while (this.skip('op', '|')) value = this.filter(value)
        body.body = this.#apart(() => this.#closed(opened, 'endfilter'))
        return { kind: 'print', value, line }
      }
      case 'block':
        return this.#block(opened)
      case 'autoescape': {
        const value = this.expression()
        return { kind: 'autoescape', value, body: this.#closed(opened, 'endautoescape'), line }
      }
      case 'generation':
        return { kind: 'scope', body: this.#apart(() => this.#closed(opened, 'endgeneration')), line }
      case 'print':
        return { kind: 'print', value: this.tuple(), line }
      case 'break':
      case 'continue':
        if (this.#loops === 0) this.fail(`'${text}' outside of a loop`, line)
        return { kind: text, line }
      default: {
        const why = LOADS.includes(text) ? 'there are no other templates to load' : 'is not known'
        return this.fail(`the tag '${text}': ${why}`, line)
      }
    }
  }

  /** What stands in a macro or a block leaves no loop around it. */
  #apart<T>(inner: () => T): T {
    const loops = this.#loops
    this.#loops = 0
    const result = inner()
    this.#loops = loops
    return result
  }

  #if(opened: Token): Statement {
    const branches: [Expression, Statement[]][] = []
    let otherwise: Statement[] = []
    for (;;) {
      const test = this.tuple(false)
      branches.push([test, this.#inner(opened, 'elif', 'else', 'endif')])
      const { text } = this.next()
      if (text === 'elif') continue
      if (text === 'else') otherwise = this.#closed(opened, 'endif')
      return { kind: 'if', branches, otherwise, line: opened.line }
    }
  }

  #for(opened: Token): Statement {
    const target = this.#target(false, (token) => token.type === 'name' && token.text === 'in')
    if (speaksOf(target, 'loop')) this.fail("a loop cannot assign to 'loop'", opened.line)
    this.expect('name', 'in')
    const items = this.tuple(false, (token) => token.type === 'name' && token.text === 'recursive')
    const test = this.skip('name', 'if') ? this.expression() : undefined
    const recursive = this.skip('name', 'recursive')
    this.#loops++
    const body = this.#inner(opened, 'else', 'endfor')
    this.#loops--
    const otherwise = this.next().text === 'else' ? this.#closed(opened, 'endfor') : []
    return { kind: 'for', target, items, test, recursive, body, otherwise, line: opened.line }
  }

  #set(opened: Token): Statement {
    const target = this.#target(true)
    const { line } = opened
    if (this.skip('op', '=')) return { kind: 'set', target, value: this.tuple(), line }
    const body: Expression = { kind: 'body', body: [] }
    let value: Expression = body
    while (this.skip('op', '|')) value = this.filter(value)
    body.body = this.#apart(() => this.#closed(opened, 'endset'))
    return { kind: 'set', target, value, line }
  }

  #with(opened: Token): Statement {
    const targets: [Target, Expression][] = []
    while (this.token.type !== 'end') {
      if (targets.length > 0) this.expect('op', ',')
      const target = this.#target(false)
      this.expect('op', '=')
      targets.push([target, this.expression()])
    }
    return { kind: 'with', targets, body: this.#closed(opened, 'endwith'), line: opened.line }
  }

  #block(opened: Token): Statement {
    const name = this.expect('name').text
    if (this.#blocks.has(name)) this.fail(`block '${name}' is there twice`, opened.line)
    this.#blocks.set(name, [])
    const scoped = this.skip('name', 'scoped')
    if (this.is('name', 'required')) this.fail('a required block: there are no other templates', opened.line)
    const body = this.#apart(() => this.#closed(opened, 'endblock'))
    this.#blocks.set(name, body)
    this.skip('name', name)
    return { kind: 'block', name, scoped, body, line: opened.line }
  }

  #signature(): Omit<Signature, 'uses'> {
    const names: string[] = []
    const defaults: Expression[] = []
    this.expect('op', '(')
    while (!this.is('op', ')')) {
      if (names.length > 0) this.expect('op', ',')
      names.push(this.expect('name').text)
      if (this.skip('op', '=')) defaults.push(this.expression())
      else if (defaults.length > 0) this.fail('an argument without a default follows one with')
    }
    this.expect('op', ')')
    return { names, defaults }
  }

  #macro(
    opened: Token,
    end: string,
    signature: Omit<Signature, 'uses'>,
  ): { signature: Signature; body: Statement[] } {
    const uses = new Set<string>()
    this.spoken.push(uses)
    const body = this.#apart(() => this.#closed(opened, end))
    this.spoken.pop()
    return { signature: { ...signature, uses }, body }
  }

  #target(attributes: boolean, ends: (token: Token) => boolean = () => false): Target {
    const items: Target[] = []
    let single = true
    for (;;) {
      items.push(this.#targetItem(attributes))
      if (!this.skip('op', ',')) break
      single = false
      if (this.token.type === 'end' || this.is('op', ')') || this.is('op', '=') || ends(this.token)) break
    }
    return single ? items[0] : { kind: 'tuple', items }
  }

  #targetItem(attributes: boolean): Target {
    if (this.skip('op', '(')) {
      const target = this.#target(attributes)
      this.expect('op', ')')
      return target
    }
    const name = this.expect('name').text
    if (['true', 'false', 'none', 'True', 'False', 'None'].includes(name))
      this.fail(`can't assign to '${name}'`)
    if (!attributes || !this.skip('op', '.')) return { kind: 'name', name }
    for (const names of this.spoken) names.add(name)
    return { kind: 'attribute', of: name, name: this.expect('name').text }
  }
}

function speaksOf(target: Target, name: string): boolean {
  if (target.kind === 'tuple') return target.items.some((item) => speaksOf(item, name))
  return target.kind === 'name' && target.name === name
}

// The parser reads expressions of a template with Jinja's precedence.

import { Float } from '../../lib/exact-json.ts'
import type { Arguments, Binary, Comparison, Expression } from './ast.ts'
import type { Token } from './lexer.ts'
import { described, TokenReader } from './token-reader.ts'
import { integerOf } from './numbers.ts'

const CONSTANTS = new Map<string, null | boolean>([
  ...(['none', 'None'] as const).map((name) => [name, null] as const),
  ...(['true', 'True'] as const).map((name) => [name, true] as const),
  ...(['false', 'False'] as const).map((name) => [name, false] as const),
])
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])

export class ExpressionParser extends TokenReader {
  /** The names that each macro around speaks of. */
  protected readonly spoken: Set<string>[] = []

  /** With `conditions` false no `if` belongs to it. */
  protected expression(conditions = true): Expression {
    return this.nest(() => (conditions ? this.#condition() : this.#or()))
  }

  /** Expressions with commas between are a tuple. */
  protected tuple(conditions = true, ends: (token: Token) => boolean = () => false): Expression {
    const items: Expression[] = []
    let single = true
    while (!this.#endsTuple(ends)) {
      items.push(this.expression(conditions))
      if (!this.skip('op', ',')) break
      single = false
    }
    if (single && items.length === 1) return items[0]
    if (items.length === 0)
      this.fail(`expected an expression, got ${described(this.token.text, this.token.type)}`)
    return { kind: 'tuple', items }
  }

  #endsTuple(ends: (token: Token) => boolean): boolean {
    return this.token.type === 'end' || this.token.type === 'eof' || this.is('op', ')') || ends(this.token)
  }

  #condition(): Expression {
    let { line } = this.token
    let then = this.#or()
    while (this.skip('name', 'if')) {
      const test = this.#or()
      const otherwise = this.skip('name', 'else') ? this.nest(() => this.#condition()) : undefined
      then = { kind: 'condition', test, then, otherwise, line }
      line = this.token.line
    }
    return then
  }

  #or(): Expression {
    let left = this.#and()
    while (this.skip('name', 'or')) left = { kind: 'or', left, right: this.#and() }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.skip('name', 'and')) left = { kind: 'and', left, right: this.#not() }
    return left
  }

  #not(): Expression {
    if (this.skip('name', 'not')) return { kind: 'unary', op: 'not', of: this.nest(() => this.#not()) }
    return this.#compare()
  }

  #compare(): Expression {
    const first = this.#sum()
    const rest: [Comparison, Expression][] = []
    for (;;) {
      const { type, text } = this.token
      if (type === 'op' && COMPARISONS.has(text)) {
        this.next()
        rest.push([text as Comparison, this.#sum()])
      } else if (this.skip('name', 'in')) rest.push(['in', this.#sum()])
      else if (this.is('name', 'not') && this.look().text === 'in' && this.look().type === 'name') {
        this.next()
        this.next()
        rest.push(['not in', this.#sum()])
      } else return rest.length === 0 ? first : { kind: 'compare', first, rest }
    }
  }

  #binary(ops: readonly Binary[], inner: () => Expression): Expression {
    let left = inner()
    while (this.token.type === 'op' && ops.includes(this.token.text as Binary)) {
      const op = this.next().text as Binary
      left = { kind: 'binary', op, left, right: inner() }
    }
    return left
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat())
  }

  #concat(): Expression {
    const items = [this.#product()]
    while (this.skip('op', '~')) items.push(this.#product())
    return items.length === 1 ? items[0] : { kind: 'concat', items }
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.#unary(true)))
  }

  #unary(filters: boolean): Expression {
    const { type, text } = this.token
    let value: Expression
    if (type === 'op' && (text === '-' || text === '+')) {
      this.next()
      value = { kind: 'unary', op: text, of: this.nest(() => this.#unary(false)) }
    } else value = this.primary()
    value = this.#postfix(value)
    return filters ? this.#filtersAndTests(value) : value
  }

  protected primary(): Expression {
    const { type, text, line } = this.token
    switch (type) {
      case 'name': {
        this.next()
        const constant = CONSTANTS.get(text)
        if (constant !== undefined) return { kind: 'constant', value: constant }
        for (const names of this.spoken) names.add(text)
        return { kind: 'name', name: text }
      }
      case 'string': {
        let value = ''
        while (this.token.type === 'string') value += this.next().text
        return { kind: 'constant', value }
      }
      case 'integer':
        this.next()
        return { kind: 'constant', value: integerOf(BigInt(text)) }
      case 'float':
        this.next()
        return { kind: 'constant', value: new Float(Number(text)) }
      default:
    }
    if (this.skip('op', '(')) {
      if (this.skip('op', ')')) return { kind: 'tuple', items: [] }
      const value = this.tuple()
      this.expect('op', ')')
      return value
    }
    if (this.skip('op', '[')) return { kind: 'list', items: this.#items(']', () => this.expression()) }
    if (this.skip('op', '{')) {
      const items = this.#items('}', (): [Expression, Expression] => {
        const key = this.expression()
        this.expect('op', ':')
        return [key, this.expression()]
      })
      return { kind: 'dict', items }
    }
    return this.fail(`unexpected ${described(text, type)}`, line)
  }

  #items<T>(close: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.is('op', close)) {
      if (items.length > 0) this.expect('op', ',')
      if (this.is('op', close)) break
      items.push(item())
    }
    this.expect('op', close)
    return items
  }

  #postfix(value: Expression): Expression {
    for (let of = value; ;) {
      if (this.skip('op', '.')) {
        const { type, text } = this.next()
        if (type === 'name') of = { kind: 'attribute', of, name: text }
        else if (type === 'integer')
          of = { kind: 'item', of, key: { kind: 'constant', value: integerOf(BigInt(text)) } }
        else this.fail('expected name or number')
      } else if (this.skip('op', '[')) of = this.#subscript(of)
      else if (this.is('op', '(')) of = { kind: 'call', of, args: this.arguments() }
      else return of
    }
  }

  #subscript(of: Expression): Expression {
    const { line } = this.token
    const parts: (Expression | { bounds: (Expression | undefined)[] })[] = []
    do {
      const bounds: (Expression | undefined)[] = [undefined]
      const ends = (): boolean => this.is('op', ']') || this.is('op', ',') || this.is('op', ':')
      if (!ends()) bounds[0] = this.expression()
      while (bounds.length < 3 && this.skip('op', ':')) bounds.push(ends() ? undefined : this.expression())
      if (bounds.length > 1) parts.push({ bounds })
      else parts.push(bounds[0] ?? this.fail("unexpected ']'"))
    } while (this.skip('op', ','))
    this.expect('op', ']')
    const [part] = parts
    if (parts.length === 1)
      return 'bounds' in part ? { kind: 'slice', of, ...part } : { kind: 'item', of, key: part }
    const items = parts.map((each) => ('bounds' in each ? this.fail('a slice among subscripts', line) : each))
    return { kind: 'item', of, key: { kind: 'tuple', items } }
  }

  protected arguments(): Arguments {
    this.expect('op', '(')
    const args: Arguments = { positional: [], named: [] }
    this.#items(')', () => {
      const { line } = this.token
      const wrong = (): never => this.fail('invalid order of arguments', line)
      if (this.skip('op', '*')) {
        if (args.list !== undefined || args.dict !== undefined) wrong()
        args.list = this.expression()
      } else if (this.skip('op', '**')) {
        if (args.dict !== undefined) wrong()
        args.dict = this.expression()
      } else if (args.dict !== undefined) wrong()
      else if (this.token.type === 'name' && this.look().type === 'op' && this.look().text === '=') {
        const name = this.next().text
        this.next()
        if (args.named.some(([other]) => other === name)) this.fail(`argument '${name}' is there twice`, line)
        args.named.push([name, this.expression()])
      } else if (args.list !== undefined || args.named.length > 0) wrong()
      else args.positional.push(this.expression())
    })
    return args
  }

  #filtersAndTests(value: Expression): Expression {
    for (let of = value; ;) {
      if (this.skip('op', '|')) of = this.filter(of)
      else if (this.skip('name', 'is')) of = this.#test(of)
      else if (this.is('op', '(')) of = { kind: 'call', of, args: this.arguments() }
      else return of
    }
  }

  /** A filter behind its `|`. */
  protected filter(of: Expression): Expression {
    const { line } = this.token
    const name = this.#dotted()
    const args = this.is('op', '(') ? this.arguments() : { positional: [], named: [] }
    return { kind: 'filter', of, name, args, line }
  }

  #dotted(): string {
    let name = this.expect('name').text
    while (this.skip('op', '.')) name += `.${this.expect('name').text}`
    return name
  }

  #test(of: Expression): Expression {
    const { line } = this.token
    const negated = this.skip('name', 'not')
    const name = this.#dotted()
    let args: Arguments = { positional: [], named: [] }
    if (this.is('op', '(')) args = this.arguments()
    else if (this.#beginsArgument()) {
      if (this.is('name', 'is')) this.fail('tests cannot be chained with is')
      args = { positional: [this.#postfix(this.primary())], named: [] }
    }
    const test: Expression = { kind: 'test', of, name, args, line }
    return negated ? { kind: 'unary', op: 'not', of: test } : test
  }

  #beginsArgument(): boolean {
    const { type, text } = this.token
    if (type === 'name') return text !== 'else' && text !== 'or' && text !== 'and'
    return (
      type === 'string' || type === 'integer' || type === 'float' || (type === 'op' && '[{'.includes(text))
    )
  }
}

// Expressions compile to closures: a template that is rendered often is walked once.

import type { Arguments, Comparison, Expression, Statement } from './ast.ts'
import { attributeOf, itemOf, sliceOf } from './attributes.ts'
import { callValue } from './call.ts'
import { contains, equals, ordered } from './compare.ts'
import { TemplateError, TemplateSyntax, typeError } from './errors.ts'
import { FILTERS } from './filters.ts'
import { listOf } from './iterate.ts'
import { binary, concatenated, unary } from './operators.ts'
import type { Scope } from './scope.ts'
import { TESTS } from './tests.ts'
import type { Bound } from './bind.ts'
import {
  Dict,
  NOTHING_NAMED,
  textOf,
  truthy,
  Tuple,
  Undefined,
  typeName,
  type Named,
  type Value,
} from './values.ts'

export type Eval = (scope: Scope) => Value
type Given = { args: Value[]; named: Named }

/** Compiles the body of a `set` or `filter` to what it prints. */
export type BodyCompiler = (body: readonly Statement[]) => Eval

/** The closure of an expression. Throws TemplateSyntax for filters and tests that there are not. */
export function compileExpression(node: Expression, body: BodyCompiler): Eval {
  const compile = (each: Expression): Eval => compileExpression(each, body)
  switch (node.kind) {
    case 'constant': {
      const { value } = node
      return () => value
    }
    case 'name': {
      const { name } = node
      return (scope) => scope.read(name)
    }
    case 'tuple':
    case 'list':
    case 'concat':
      return compileItems(node.kind, node.items.map(compile))
    case 'dict': {
      const items = node.items.map(([key, value]) => [compile(key), compile(value)] as const)
      return (scope) => {
        scope.meter.take(1 + items.length)
        const dict = new Dict()
        for (const [key, value] of items) dict.set(key(scope), value(scope))
        return dict
      }
    }
    case 'attribute': {
      const [of, { name }] = [compile(node.of), node]
      return (scope) => {
        scope.meter.take(1)
        return attributeOf(of(scope), name, scope.meter)
      }
    }
    case 'item': {
      const [of, key] = [compile(node.of), compile(node.key)]
      return (scope) => {
        scope.meter.take(1)
        return itemOf(of(scope), key(scope), scope.meter)
      }
    }
    case 'slice': {
      const of = compile(node.of)
      const bounds = node.bounds.map((bound) => (bound === undefined ? undefined : compile(bound)))
      const slice: Eval = (scope) =>
        sliceOf(
          of(scope),
          bounds.map((bound) => bound?.(scope)),
          scope.meter,
        )
      return isLiteral(node) ? orUndefined(slice) : slice
    }
    case 'call': {
      const [of, given] = [compile(node.of), compileArguments(node.args, compile)]
      return (scope) => {
        const callee = of(scope)
        const { args, named } = given(scope)
        return callValue(callee, args, named, scope.meter)
      }
    }
    case 'filter':
      return compileBound(FILTERS.get(node.name), 'filter', node, compile)
    case 'test':
      return compileBound(TESTS.get(node.name), 'test', node, compile)
    case 'unary': {
      const [of, { op }] = [compile(node.of), node]
      if (op === 'not') return (scope) => !truthy(of(scope))
      return (scope) => unary(op, of(scope))
    }
    case 'binary': {
      const [left, right, { op }] = [compile(node.left), compile(node.right), node]
      return (scope) => {
        scope.meter.take(1)
        return binary(op, left(scope), right(scope), scope.meter)
      }
    }
    case 'and':
    case 'or': {
      const [left, right] = [compile(node.left), compile(node.right)]
      const ends = node.kind === 'or'
      return (scope) => {
        const value = left(scope)
        return truthy(value) === ends ? value : right(scope)
      }
    }
    case 'compare':
      return compileComparison(
        compile(node.first),
        node.rest.map(([op, each]) => [op, compile(each)]),
      )
    case 'condition':
      return compileCondition(node, compile)
    case 'body':
      return body(node.body)
  }
}

/** What Jinja computes when it compiles, as far as templates slice it. */
function isLiteral(node: Expression | undefined): boolean {
  switch (node?.kind) {
    case 'tuple':
    case 'list':
      return node.items.every(isLiteral)
    case 'dict':
      return node.items.every((pair) => pair.every(isLiteral))
    case 'unary':
      return isLiteral(node.of)
    case 'slice':
      return isLiteral(node.of) && node.bounds.every(isLiteral)
    default:
      return node === undefined || node.kind === 'constant'
  }
}

/** A slice that cannot be is undefined there, and raises TypeError elsewhere. */
function orUndefined(slice: Eval): Eval {
  return (scope) => {
    try {
      return slice(scope)
    } catch (error) {
      if (error instanceof TemplateError && error.kind === 'TypeError') return new Undefined(error.message)
      throw error
    }
  }
}

function compileItems(kind: 'tuple' | 'list' | 'concat', items: readonly Eval[]): Eval {
  const values = (scope: Scope): Value[] => {
    scope.meter.take(1 + items.length)
    return items.map((item) => item(scope))
  }
  if (kind === 'list') return values
  if (kind === 'tuple') return (scope) => new Tuple(values(scope))
  return (scope) => concatenated(values(scope), scope.meter)
}

function compileCondition(
  node: Expression & { kind: 'condition' },
  compile: (node: Expression) => Eval,
): Eval {
  const [test, then] = [compile(node.test), compile(node.then)]
  const says = `the inline if-expression on line ${node.line} evaluated to false and no else section was defined.`
  const otherwise: Eval = node.otherwise === undefined ? () => new Undefined(says) : compile(node.otherwise)
  return (scope) => (truthy(test(scope)) ? then(scope) : otherwise(scope))
}

function compileBound(
  bound: Bound | undefined,
  what: string,
  node: Expression & { kind: 'filter' | 'test' },
  compile: (node: Expression) => Eval,
): Eval {
  if (bound === undefined) throw new TemplateSyntax(node.line, `no ${what} is named '${node.name}'`)
  const of = compile(node.of)
  const given = compileArguments(node.args, compile)
  return (scope) => {
    const value = of(scope)
    const { args, named } = given(scope)
    return bound(scope.meter, value, args, named)
  }
}

const NOTHING: Given = { args: [], named: NOTHING_NAMED }

/** The closure of the arguments of a call. */
export function compileArguments(
  { positional, named, list, dict }: Arguments,
  compile: (node: Expression) => Eval,
): (scope: Scope) => Given {
  const args = positional.map(compile)
  const names = named.map(([name, value]) => [name, compile(value)] as const)
  const [spread, mapping] = [list, dict].map((each) => (each === undefined ? undefined : compile(each)))
  if (args.length === 0 && names.length === 0 && spread === undefined && mapping === undefined)
    return () => NOTHING
  return (scope) => {
    scope.meter.take(args.length + names.length)
    const given = { args: args.map((arg) => arg(scope)), named: NOTHING_NAMED }
    if (spread !== undefined) for (const item of listOf(spread(scope), scope.meter)) given.args.push(item)
    if (names.length === 0 && mapping === undefined) return given
    const all = new Map(names.map(([name, value]) => [name, value(scope)]))
    if (mapping !== undefined) addMapping(all, mapping(scope))
    return { ...given, named: all }
  }
}

function addMapping(all: Map<string, Value>, mapping: Value): void {
  if (!(mapping instanceof Dict))
    throw typeError(`argument after ** must be a mapping, not ${typeName(mapping)}`)
  for (const [key, value] of mapping.entries.values()) {
    const name = textOf(key)
    if (name === undefined) throw typeError('keywords must be strings')
    if (all.has(name)) throw typeError(`got multiple values for keyword argument '${name}'`)
    all.set(name, value)
  }
}

function compileComparison(first: Eval, rest: readonly (readonly [Comparison, Eval])[]): Eval {
  return (scope) => {
    let left = first(scope)
    for (const [op, next] of rest) {
      const right = next(scope)
      scope.meter.take(1)
      if (!compared(left, op, right, scope)) return false
      left = right
    }
    return true
  }
}

function compared(left: Value, op: Comparison, right: Value, { meter }: Scope): boolean {
  switch (op) {
    case '==':
      return equals(left, right, meter)
    case '!=':
      return !equals(left, right, meter)
    case 'in':
      return contains(right, left, meter)
    case 'not in':
      return !contains(right, left, meter)
    default:
      return ordered(left, op, right, meter)
  }
}

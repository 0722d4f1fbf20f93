// Statements compile to closures that print into an output, each part of a template in its own scope.

import type { Statement, Target } from './ast.ts'
import { compileArguments, compileExpression, type Eval } from './expressions.ts'
import { callValue } from './call.ts'
import { TemplateError } from './errors.ts'
import { checkName } from './globals.ts'
import { listOf } from './iterate.ts'
import { Loop, type LoopBody } from './loop.ts'
import { compileMacro } from './macro.ts'
import { MACRO_LEVELS } from './meter.ts'
import { Output, type Run } from './output.ts'
import { bodyValue, printed } from './repr.ts'
import type { Scope } from './scope.ts'
import { Instance, Namespace, truthy, type Value } from './values.ts'

/** Runs statements one after the other. */
export function compileBody(statements: readonly Statement[]): Run {
  const runs = statements.map(compileStatement)
  if (runs.length === 1) return runs[0]
  return (scope, output) => {
    for (const run of runs) {
      const leaves = run(scope, output)
      if (leaves !== undefined) return leaves
    }
    return undefined
  }
}

/** What a body prints, in a scope of its own. */
export function compilePrinted(statements: readonly Statement[]): Eval {
  const body = compileBody(statements)
  return (scope) => {
    const output = new Output()
    body(scope.inner(), output)
    return bodyValue(output.text, scope.meter)
  }
}

/** The variable `self`: its attributes print the blocks of these names, which see the outermost scope. */
export function compileBlocks(blocks: ReadonlyMap<string, readonly Statement[]>): (root: Scope) => Instance {
  const bodies = new Map(Array.from(blocks, ([name, body]) => [name, compilePrinted(body)]))
  return (root) => new Blocks(bodies, root)
}

class Blocks extends Instance {
  readonly #bodies: ReadonlyMap<string, Eval>
  readonly #root: Scope

  constructor(bodies: ReadonlyMap<string, Eval>, root: Scope) {
    super('TemplateReference')
    this.#bodies = bodies
    this.#root = root
  }

  override attribute(name: string): Value | undefined {
    const body = this.#bodies.get(name)
    if (body === undefined) return undefined
    return new Instance('BlockReference', (meter) => {
      meter.enter(MACRO_LEVELS)
      const value = body(this.#root)
      meter.leave(MACRO_LEVELS)
      return value
    })
  }
}

const expression = (node: Parameters<typeof compileExpression>[0]): Eval =>
  compileExpression(node, compilePrinted)

function compileStatement(node: Statement): Run {
  const run = compileKind(node)
  if (node.kind === 'text') return run
  const { line } = node
  return (scope, output) => {
    const { meter } = scope
    meter.line = line
    meter.take(1)
    return run(scope, output)
  }
}

function compileKind(node: Statement): Run {
  switch (node.kind) {
    case 'text': {
      const { text } = node
      return (scope, output) => void output.add(text, scope.meter)
    }
    case 'print': {
      const value = expression(node.value)
      return (scope, output) => void output.add(printed(value(scope), scope.meter), scope.meter)
    }
    case 'if':
      return compileIf(node)
    case 'for':
      return compileFor(node)
    case 'set': {
      const [assign, value] = [compileTarget(node.target), expression(node.value)]
      return (scope) => void assign(scope, value(scope))
    }
    case 'with': {
      const targets = node.targets.map(
        ([target, value]) => [compileTarget(target), expression(value)] as const,
      )
      const body = compileBody(node.body)
      return (scope, output) => {
        const inner = scope.inner()
        for (const [assign, value] of targets) assign(inner, value(scope))
        return body(inner, output)
      }
    }
    case 'macro': {
      const macro = compileMacro(node.name, node.signature, expression, compileBody(node.body))
      return (scope) => void scope.set(node.name, macro(scope))
    }
    case 'call': {
      const caller = compileMacro('caller', node.signature, expression, compileBody(node.body))
      const [of, given] = [expression(node.call.of), compileArguments(node.call.args, expression)]
      return (scope, output) => {
        const callee = of(scope)
        const { args, named } = given(scope)
        const value = callValue(callee, args, new Map([...named, ['caller', caller(scope)]]), scope.meter)
        output.add(printed(value, scope.meter), scope.meter)
        return undefined
      }
    }
    case 'block': {
      const body = compileBody(node.body)
      return (scope, output) => void body((node.scoped ? scope : scope.root).inner(), output)
    }
    case 'autoescape': {
      const [value, body] = [expression(node.value), compileBody(node.body)]
      return (scope, output) => {
        const { meter } = scope
        const { escapes } = meter
        meter.escapes = truthy(value(scope))
        const leaves = body(scope.inner(), output)
        meter.escapes = escapes
        return leaves
      }
    }
    case 'scope': {
      const body = compileBody(node.body)
      return (scope, output) => void body(scope.inner(), output)
    }
    case 'break':
    case 'continue': {
      const { kind } = node
      return () => kind
    }
  }
}

function compileIf(node: Statement & { kind: 'if' }): Run {
  const branches = node.branches.map(([test, body]) => [expression(test), compileBody(body)] as const)
  const otherwise = compileBody(node.otherwise)
  return (scope, output) => {
    for (const [test, body] of branches) {
      if (truthy(test(scope))) return body(scope, output)
    }
    return otherwise(scope, output)
  }
}

type Assign = (scope: Scope, value: Value) => void

function compileTarget(target: Target): Assign {
  switch (target.kind) {
    case 'name': {
      const { name } = target
      return (scope, value) => {
        scope.set(name, value)
      }
    }
    case 'attribute': {
      const { of, name } = target
      return (scope, value) => {
        const namespace = scope.read(of)
        if (!(namespace instanceof Namespace))
          throw new TemplateError('TemplateRuntimeError', 'cannot assign attribute on non-namespace object')
        checkName(name, scope.meter)
        namespace.attributes.set(name, value)
      }
    }
    case 'tuple': {
      const assigns = target.items.map(compileTarget)
      return (scope, value) => {
        const items = listOf(value, scope.meter)
        const [wanted, got] = [assigns.length, items.length]
        if (got !== wanted)
          throw new TemplateError(
            'ValueError',
            got > wanted
              ? `too many values to unpack (expected ${wanted})`
              : `not enough values to unpack (expected ${wanted}, got ${got})`,
          )
        for (const [i, assign] of assigns.entries()) assign(scope, items[i])
      }
    }
  }
}

function compileFor(node: Statement & { kind: 'for' }): Run {
  const [items, assign] = [expression(node.items), compileTarget(node.target)]
  const test = node.test === undefined ? undefined : expression(node.test)
  const [body, otherwise] = [compileBody(node.body), compileBody(node.otherwise)]

  const around = (
    scope: Scope,
    given: Value,
    output: Output,
    depth: number,
    again: LoopBody | undefined,
  ): void => {
    const { meter } = scope
    let list = Array.isArray(given) ? given : listOf(given, meter)
    if (test !== undefined) {
      list = list.filter((item) => {
        meter.take(2)
        const inner = scope.inner()
        assign(inner, item)
        return truthy(test(inner))
      })
    }
    const loop = new Loop(list, depth, again)
    // Jinja runs the else part unless a round came to its end.
    let empty = true
    for (; loop.index0 < list.length; loop.index0++) {
      meter.take(2)
      const inner = scope.inner()
      inner.set('loop', loop)
      assign(inner, list[loop.index0])
      const leaves = body(inner, output)
      if (leaves === 'break') break
      if (leaves === undefined) empty = false
    }
    if (empty) otherwise(scope.inner(), output)
  }

  if (!node.recursive) {
    return (scope, output) => {
      scope.meter.enter(1)
      around(scope, items(scope), output, 0, undefined)
      scope.meter.leave(1)
      return undefined
    }
  }
  return (scope, output) => {
    const again: LoopBody = (given, depth) => {
      scope.meter.enter(MACRO_LEVELS)
      const inner = new Output()
      around(scope, given, inner, depth, again)
      scope.meter.leave(MACRO_LEVELS)
      return bodyValue(inner.text, scope.meter)
    }
    around(scope, items(scope), output, 0, again)
    return undefined
  }
}

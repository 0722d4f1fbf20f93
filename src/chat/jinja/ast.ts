// The tree of a template is what the parser hands to the compiler.

import type { Value } from './values.ts'

export type Arguments = {
  positional: Expression[]
  named: [string, Expression][]
  /** Of `*list` and `**dict`. */
  list?: Expression
  dict?: Expression
}

export type Binary = '+' | '-' | '*' | '/' | '//' | '%' | '**'
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in'

export type Expression =
  | { kind: 'constant'; value: Value }
  | { kind: 'name'; name: string }
  | { kind: 'tuple' | 'list' | 'concat'; items: Expression[] }
  | { kind: 'dict'; items: [Expression, Expression][] }
  | { kind: 'attribute'; of: Expression; name: string }
  | { kind: 'item'; of: Expression; key: Expression }
  | { kind: 'slice'; of: Expression; bounds: (Expression | undefined)[] }
  | { kind: 'call'; of: Expression; args: Arguments }
  | { kind: 'filter'; of: Expression; name: string; args: Arguments; line: number }
  | { kind: 'test'; of: Expression; name: string; args: Arguments; line: number }
  | { kind: 'unary'; op: 'not' | '-' | '+'; of: Expression }
  | { kind: 'binary'; op: Binary; left: Expression; right: Expression }
  | { kind: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'compare'; first: Expression; rest: [Comparison, Expression][] }
  | { kind: 'condition'; test: Expression; then: Expression; otherwise?: Expression; line: number }
  /** The body of a filter block, of `set` or of a call, as the string that it prints. */
  | { kind: 'body'; body: Statement[] }

export type Target =
  | { kind: 'name'; name: string }
  | { kind: 'tuple'; items: Target[] }
  | { kind: 'attribute'; of: string; name: string }

export type Signature = {
  names: string[]
  /** Of the last names, as many as there are. */
  defaults: Expression[]
  /** Which of caller, varargs and kwargs the body speaks of. */
  uses: ReadonlySet<string>
}

export type Statement = { line: number } & (
  | { kind: 'text'; text: string }
  | { kind: 'print'; value: Expression }
  | { kind: 'if'; branches: [Expression, Statement[]][]; otherwise: Statement[] }
  | {
      kind: 'for'
      target: Target
      items: Expression
      test?: Expression
      recursive: boolean
      body: Statement[]
      otherwise: Statement[]
    }
  | { kind: 'set'; target: Target; value: Expression }
  | { kind: 'with'; targets: [Target, Expression][]; body: Statement[] }
  | { kind: 'macro'; name: string; signature: Signature; body: Statement[] }
  | { kind: 'call'; call: Expression & { kind: 'call' }; signature: Signature; body: Statement[] }
  | { kind: 'block'; name: string; scoped: boolean; body: Statement[] }
  | { kind: 'autoescape'; value: Expression; body: Statement[] }
  /** What `generation` marks: printed as it is, in a scope of its own. */
  | { kind: 'scope'; body: Statement[] }
  | { kind: 'break' | 'continue' }
)

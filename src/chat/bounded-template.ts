// A bounded interpreter runs a chat template within a number of steps: a template is a program of strangers.
//
// It stands around the library's own: it counts what that evaluates, and looks at operands before an
// operation could make something large of them.

import { Environment, Interpreter, Template } from '@huggingface/jinja'

type Node = NonNullable<Parameters<Interpreter['evaluate']>[0]>
type Value = ReturnType<Interpreter['evaluate']>

/**
 * About half a second. A turn takes 20 to 150, so 32 Ki positions are full of the shortest ones long before.
 */
export const MAX_TEMPLATE_STEPS = 2_000_000

/** Characters and entries of one value, with all that is inside: more than any context takes. */
const MAX_VALUE = 1 << 22

/** Nodes inside nodes, through macros too: one for each level of a JSON schema takes some ten. */
const MAX_DEPTH = 800

/** Characters that one operation may make at most of its operands: it cannot be stopped on its way. */
const MAX_MADE = 1 << 25

const CHARACTERS_A_STEP = 64
/**
 * Each time around a loop the library makes a scope; a number of a range is a new object of some 50 bytes.
 */
const STEPS_AROUND = 8
/** Filters that write their operand with something between or before its parts. */
const WRITERS = ['join', 'indent', 'tojson', 'string']
/** Filters that look at no more than one entry: templates ask `messages | length` at every message. */
const QUICK = ['length', 'first', 'last', 'list', 'default', 'safe']
/** The library walks through the whole body of a macro each time that it is defined. */
const MACRO_STEPS = 4096
/** Looking for a long text in a long one may take the product of their lengths. */
const COMPARISONS_A_STEP = 8192

/**
 * Thrown out of a template that takes too much; `message` goes on after "the chat template". Never leaves
 * this room.
 */
export class TemplateLimit extends Error {}

/**
 * The text of a parsed template with these variables. Throws TemplateLimit, and whatever the template throws.
 */
export function renderBounded(
  { parsed }: Template,
  variables: Readonly<Record<string, unknown>>,
  steps = MAX_TEMPLATE_STEPS,
): string {
  const environment = new Environment()
  const interpreter = new BoundedInterpreter(environment, steps)
  const globals = {
    ...{ false: false, true: true, none: null, False: false, True: true, None: null },
    raise_exception: (message: string) => {
      throw new Error(message)
    },
    range: (start: number, stop?: number, step?: number) => interpreter.range(start, stop, step),
    // The library does not export its own.
    strftime_now: (format: string) => new Template('{{ strftime_now(format) }}').render({ format }),
  }
  for (const [name, value] of [...Object.entries(globals), ...Object.entries(variables)])
    environment.set(name, value)
  return interpreter.run(parsed).value as string
}

/** A node that stands for a value which was evaluated already. */
type Given = { type: 'Given'; value: Value }

/** What is looked into of the other nodes. */
type Inner = {
  object: Node
  property: Node & { value?: unknown }
  computed: boolean
  iterable: Node & { lhs?: Node }
  left: Node
  right: Node
  operator: { value: string }
  operand: Node
  filter: { type: string; value?: string; callee?: { value?: string }; args?: readonly Argument[] }
  body: readonly Node[]
}
type Argument = Node & { value?: Node; argument?: Node }

/**
 * What a value holds, with all that is inside, and how deep. A namespace can change, and so can what holds
 * one.
 */
type Weight = { size: number; depth: number; fixed: boolean }

const ATOM: Weight = { size: 1, depth: 0, fixed: true }

class BoundedInterpreter extends Interpreter {
  readonly #weights = new WeakMap<Value, Weight>()
  readonly #counted = new WeakSet<Value>()
  readonly #most: number
  #left: number
  #depth = 0

  constructor(environment: Environment, steps: number) {
    super(environment)
    this.#most = steps
    this.#left = steps
  }

  override evaluate(node: Node | undefined, environment: Environment): Value {
    if (node === undefined) return super.evaluate(node, environment)
    if (node.type === 'Given') return (node as unknown as Given).value
    this.#take(1)
    const value = this.#within(node, environment)
    const inner: unknown = (value as Value | undefined)?.value // the first of no entries is undefined itself
    if (typeof inner === 'string') {
      if (inner.length > MAX_VALUE) throw tooLarge(inner.length)
      this.#take(inner.length / CHARACTERS_A_STEP)
    } else if (typeof inner === 'object' && inner !== null) {
      const { size } = this.#weigh(value)
      if (size > MAX_VALUE) throw tooLarge(size)
    }
    return value
  }

  /** The stack must not end first: the library takes that for a variable that is not defined. */
  #within(node: Node, environment: Environment): Value {
    if (this.#depth === MAX_DEPTH) throw new TemplateLimit(`is nested deeper than ${MAX_DEPTH} levels`)
    this.#depth++
    try {
      return super.evaluate(this.#prepared(node, environment), environment)
    } finally {
      this.#depth--
    }
  }

  /** As Python's. */
  range(start: number, stop?: number, step = 1): number[] {
    if (step === 0) throw new Error('range() step must not be zero')
    const [from, to] = stop === undefined ? [0, start] : [start, stop]
    const numbers: number[] = []
    for (let i = from; step > 0 ? i < to : i > to; i += step) {
      this.#take(STEPS_AROUND)
      numbers.push(i)
    }
    return numbers
  }

  #take(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new TemplateLimit(`takes more than ${this.#most} steps`)
  }

  /** The node with its operands evaluated, where these decide how much it is going to take. */
  #prepared(node: Node, environment: Environment): Node {
    const given = (child: Node): Given => ({ type: 'Given', value: this.evaluate(child, environment) })
    const inner = node as unknown as Inner
    switch (node.type as string) {
      case 'MemberExpression': {
        const object = given(inner.object)
        this.#countCalls(object.value, inner.property)
        return { ...node, object } as Node
      }
      case 'For': {
        // Of `for x in list if test` the list is inside.
        const { iterable } = inner
        const list = given(iterable.lhs ?? iterable)
        this.#take(entriesOf(list.value).length * STEPS_AROUND)
        return { ...node, iterable: iterable.lhs === undefined ? list : { ...iterable, lhs: list } } as Node
      }
      case 'BinaryExpression': {
        if (!inner.operator.value.endsWith('in')) return node
        const [left, right] = [given(inner.left), given(inner.right)]
        this.#takeSearch(right.value, [left.value])
        return { ...node, left, right } as unknown as Node
      }
      case 'FilterExpression':
        return this.#preparedFilter(inner.filter, given(inner.operand), given)
      case 'FilterStatement':
        return this.#preparedFilter(inner.filter, given({ type: 'Program', body: inner.body } as Node), given)
      case 'Macro':
      case 'CallStatement':
        this.#take(MACRO_STEPS)
    }
    return node
  }

  #preparedFilter(filter: Inner['filter'], operand: Given, given: (child: Node) => Given): Node {
    const { size, depth } = this.#weigh(operand.value)
    const name = filter.value ?? filter.callee?.value ?? ''
    if (!QUICK.includes(name)) this.#take(size / CHARACTERS_A_STEP)
    if (operand.value.type === 'StringValue') this.#countCalls(operand.value)
    const args: Given[] = []
    const once = (argument: Node): Given => {
      args.push(given(argument))
      return args[args.length - 1]
    }
    const prepared = !WRITERS.includes(name)
      ? filter
      : {
          ...filter,
          args: filter.args?.map((argument) => {
            if (argument.type === 'KeywordArgumentExpression' && argument.value !== undefined)
              return { ...argument, value: once(argument.value) }
            return argument.argument === undefined
              ? once(argument)
              : { ...argument, argument: once(argument.argument) }
          }),
        }
    // Each part gets what an argument says at each level; JSON has six characters for some.
    const between = args.reduce((most, { value }) => Math.max(most, this.#widthOf(value)), 0)
    if (WRITERS.includes(name)) checkMade(size * (6 + between * (depth + 1)))
    return { type: 'FilterExpression', operand, filter: prepared } as unknown as Node
  }

  /**
   * Lets the methods of a text count what they do, and of an object the one that sorts; the others of it are
   * quick.
   */
  #countCalls(object: Value, property?: Inner['property']): void {
    const named = property?.value
    const sorts = object.type === 'ObjectValue' && (typeof named !== 'string' || named === 'dictsort')
    if ((object.type !== 'StringValue' && !sorts) || this.#counted.has(object)) return
    this.#counted.add(object)
    for (const [name, method] of object.builtins) {
      if (method.type !== 'FunctionValue') continue
      const call = method.value as (args: Value[], scope: Environment) => Value
      method.value = (args: Value[], scope: Environment): Value => {
        this.#take(this.#weigh(object).size / CHARACTERS_A_STEP)
        if (object.type === 'StringValue') this.#takeText(name, object.value as string, args)
        return call(args, scope)
      }
    }
  }

  #takeText(name: string, text: string, args: readonly Value[]): void {
    this.#takeSearch({ value: text }, args)
    const [what, by] = args.map(({ value }) => (typeof value === 'string' ? value : undefined))
    if (name !== 'split' && name !== 'replace') return
    const found = occurrences(text, what)
    if (name === 'split') this.#take(found * STEPS_AROUND)
    else checkMade(text.length + found * (by?.length ?? 0))
  }

  #takeSearch({ value: text }: { value: unknown }, wanted: readonly Value[]): void {
    if (typeof text !== 'string') return
    for (const each of wanted) this.#take((text.length * this.#widthOf(each)) / COMPARISONS_A_STEP)
  }

  #widthOf(value: Value): number {
    return typeof value.value === 'number' ? Math.abs(value.value) : this.#weigh(value).size
  }

  #weigh(value: Value): Weight {
    const { value: inner } = value as { value: unknown }
    if (typeof inner === 'string') return { size: inner.length, depth: 0, fixed: true }
    if (typeof inner !== 'object' || inner === null) return ATOM
    const known = this.#weights.get(value)
    if (known !== undefined) return known
    const weight = { size: 1, depth: 1, fixed: value.type !== 'NamespaceValue' }
    if (inner instanceof Map) for (const key of inner.keys() as Iterable<string>) weight.size += key.length
    for (const entry of entriesOf(value)) {
      this.#take(1 / 4)
      const { size, depth, fixed } = this.#weigh(entry)
      weight.size += size
      weight.depth = Math.max(weight.depth, depth + 1)
      weight.fixed &&= fixed
    }
    if (weight.fixed) this.#weights.set(value, weight)
    return weight
  }
}

function entriesOf({ value }: Value): readonly Value[] {
  return Array.isArray(value) ? value : value instanceof Map ? [...value.values()] : []
}

/** How often a text is in another; as often as could be where it is not said what. */
function occurrences(text: string, what: string | undefined): number {
  if (what === undefined || what === '') return text.length + 1
  let count = 0
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + what.length)) count++
  return count
}

function checkMade(characters: number): void {
  if (characters > MAX_MADE) throw tooLarge(Math.ceil(characters))
}

function tooLarge(size: number): TemplateLimit {
  return new TemplateLimit(`makes a value of ${size} characters or entries, at most ${MAX_VALUE}`)
}

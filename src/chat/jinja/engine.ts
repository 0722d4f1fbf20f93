// The engine compiles chat templates (Jinja as transformers sets it up) and renders them within bounds.

import { compileBlocks, compileBody } from './compile.ts'
import { TemplateLimit, TemplateSyntax, Unsupported } from './errors.ts'
import { GLOBALS } from './globals.ts'
import { toValue } from './input.ts'
import { MAX_TEMPLATE_STEPS, Meter } from './meter.ts'
import { Output, type Run } from './output.ts'
import { Scope } from './scope.ts'
import { parseTemplate } from './statements.ts'
import type { Instance, Value } from './values.ts'

export class Program {
  readonly #body: Run
  readonly #blocks: (root: Scope) => Instance

  /** Throws TemplateSyntax for what cannot be compiled: filters and tests that there are not, too. */
  constructor(source: string) {
    const compiled = guarded(
      () => {
        const { body, blocks } = parseTemplate(source)
        return { body: compileBody(body), blocks: compileBlocks(blocks) }
      },
      (says) => new TemplateSyntax(1, says),
    )
    this.#body = compiled.body
    this.#blocks = compiled.blocks
  }

  /**
   * The text of the template with these variables, plain or exact JSON. Throws TemplateError for what Python
   * raises, TemplateLimit beyond the steps, TemplateSyntax for what this engine cannot do.
   */
  render(variables: Readonly<Record<string, unknown>>, steps = MAX_TEMPLATE_STEPS): string {
    const meter = new Meter(steps)
    const output = new Output()
    try {
      guarded(
        () => {
          const root = new Scope(new Variables(variables, meter), meter)
          root.set('self', this.#blocks(root))
          this.#body(root, output)
        },
        (says) => new TemplateLimit(says),
      )
    } catch (error) {
      if (error instanceof Unsupported)
        throw new TemplateSyntax(meter.line, `${error.message} is not supported`)
      throw error
    }
    return output.text
  }
}

/** Converts a variable when it is first read: what no template looks at costs nothing. */
class Variables {
  readonly #given: Readonly<Record<string, unknown>>
  readonly #meter: Meter
  readonly #read = new Map<string, Value>()

  constructor(given: Readonly<Record<string, unknown>>, meter: Meter) {
    this.#given = given
    this.#meter = meter
  }

  get(name: string): Value | undefined {
    const known = this.#read.get(name)
    if (known !== undefined) return known
    if (!Object.hasOwn(this.#given, name) || this.#given[name] === undefined) return GLOBALS.get(name)
    const value = toValue(this.#given[name], this.#meter)
    this.#read.set(name, value)
    return value
  }
}

/** The stack ends where nesting has no other bound. */
function guarded<T>(action: () => T, tooDeep: (says: string) => Error): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep('is nested deeper than the call stack')
    throw error
  }
}

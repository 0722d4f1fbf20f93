// A template's error says what Python would raise, which bound it exceeds, or what cannot be compiled.

/** What Python raises while a template runs; `kind` is the name of its class. */
export class TemplateError extends Error {
  readonly kind: string

  constructor(kind: string, message: string) {
    super(message)
    this.kind = kind
  }
}

/** A template takes too much; `message` goes on after "the chat template". */
export class TemplateLimit extends Error {}

/** What cannot be compiled, or what Python does there and this engine does not: the line and the construct. */
export class TemplateSyntax extends Error {
  constructor(line: number, says: string) {
    super(`line ${line}: ${says}`)
  }
}

/** Something of Python that this engine does not do; the program adds the line. */
export class Unsupported extends Error {}

export function typeError(message: string): TemplateError {
  return new TemplateError('TypeError', message)
}

export function valueError(message: string): TemplateError {
  return new TemplateError('ValueError', message)
}

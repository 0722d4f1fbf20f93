// The header check takes a first sentence with subject and verb, and refuses what is none.

import { describe, expect, it } from 'vitest'
import { firstSentence, headerLines, headerProblem } from '../../tools/check-headers.ts'

const header = (text: string): string | undefined => headerProblem(`${text}\n\nexport const one = 1\n`)

describe('headers', () => {
  it.each([
    '// A turn header holds the few columns that decide whether a request continues a turn.',
    '// Weights stream from a byte source straight into linear memory.\n// A second sentence may be as long as it likes.',
    '// A byte source that fails once is asked again. 2.5 is no end of a sentence.',
  ])('takes %s', (text) => {
    expect(header(text)).toBeUndefined()
  })

  it.each([
    ['// Counts what the client has received.', 'subject and verb'],
    ['// Reads a body and gives its fields.', 'subject and verb'],
    ['// Events whose errors are events too.', 'subject and verb'],
    ['// What a reader was handed of a generation.', 'subject and verb'],
    ['// The names of pages by what is in them.', 'subject and verb'],
    ['// the engine runs steps.', 'capital'],
    ['// The engine runs steps', 'full stop'],
    ['// The engine runs\n// steps.', '110 columns'],
    [`// The engine runs ${'many '.repeat(20)}steps.`, '110 columns'],
    ['', 'comment'],
  ])('refuses %s', (text, problem) => {
    expect(header(text)).toContain(problem)
  })

  it('find the end of a sentence at a stop with a space behind it', () => {
    const lines = headerLines('// Version 2.5 of kernels.ts is new. So it goes.\n// On.\nconst x = 1\n')
    expect(firstSentence(lines)).toBe('Version 2.5 of kernels.ts is new.')
  })
})

// The page's JSON reader against JSON.parse: whole texts, every beginning of one, broken ones, places and greyed runs.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { add, nodeAt, readJson, runsOf, type JsonNode, type Run } from '../../page/state/partial-json.ts'

/** The value of a tree as far as it came: members without a value and words that are not whole are left out. */
function valueOf({ opens, isWhole, text, members }: JsonNode): unknown {
  const values = members.flatMap(({ key, value }) => {
    const said = value && valueOf(value)
    return said === undefined ? [] : [[key?.text, said] as const]
  })
  if (opens === '[') return values.map(([, value]) => value)
  if (opens === '{') return Object.fromEntries(values)
  return opens === '"' ? text : isWhole ? JSON.parse(text) : undefined
}

/** The tree of a text that has ended. */
const ended = (text: string) => readJson(`${text} `)

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

const leaves = (node: JsonNode): JsonNode[] =>
  node.opens === '{' || node.opens === '['
    ? node.members.flatMap(({ key, value }) => [key, value].flatMap((part) => (part ? leaves(part) : [])))
    : [node]

/** JSON with white space and with escapes that JSON.stringify does not write. */
const written = fc
  .tuple(fc.json({ stringUnit: 'binary', maxDepth: 4 }), fc.integer({ min: 0, max: 4 }), fc.boolean())
  .map(([text, space, escapes]) => {
    const spaced = JSON.stringify(JSON.parse(text), null, space)
    return escapes ? spaced.replaceAll(/[^\x20-\x7e\n]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : spaced // prettier-ignore
  })

describe('a text that comes character by character', () => {
  test('is the value of JSON.parse in the end', () => {
    fc.assert(
      fc.property(written, (text) => {
        const { isWhole, root } = ended(text)
        expect(isWhole).toBe(true)
        expect(root && valueOf(root)).toStrictEqual(JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  test('never takes back what it showed, and says of no beginning that it is whole', () => {
    fc.assert(
      fc.property(written, (text) => {
        let shown: string[] = []
        for (let i = 0; i < text.length; i++) {
          const { root, brokenAt } = readJson(text.slice(0, i + 1))
          expect(brokenAt).toBeUndefined()
          const now = root === undefined ? [] : leaves(root).map((leaf) => leaf.text)
          shown.forEach((before, at) => expect(now[at].startsWith(before)).toBe(true))
          shown = now
          if (root?.isWhole === true) expect(parsed(text.slice(0, i + 1))).toBeDefined()
          if (root !== undefined) valueOf(root)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('is JSON exactly where JSON.parse says so', () => {
    const soup = fc.array(fc.constantFrom(...'{}[]:,"\\/ue10-+.tfn \n\u0001aé'.split(''), 'true', 'null', '"a"', '\\ud83d'), { maxLength: 12 }) // prettier-ignore
    const texts = fc.oneof(
      soup.map((parts) => parts.join('')),
      fc
        .tuple(written, fc.nat(), fc.constantFrom('', ',', '"', '}', ']', '0', '\\'))
        .map(([text, at, put]) => {
          const cut = at % (text.length + 1)
          return text.slice(0, cut) + put + text.slice(cut + 1)
        }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect([text, ended(text).isWhole]).toEqual([text, parsed(text) !== undefined])
      }),
      { numRuns: 3000 },
    )
  })

  test('breaks at the first character that cannot be there, and keeps what came before', () => {
    const at = (text: string) => ended(text).brokenAt
    expect(at('{"a": 1,}')).toBe(8)
    expect(at('{a: 1}')).toBe(1)
    expect(at('[1 2]')).toBe(3)
    expect(at('{"a": tru}')).toBe(6)
    expect(at('[01]')).toBe(1)
    expect(at('[-')).toBe(1)
    expect(at('"a\nb"')).toBe(2)
    expect(at('1 1')).toBe(2)
    expect(at('"\\x"')).toBe(2)
    expect(at('{"a"')).toBeUndefined()
    const broken = readJson('{"a": "b"; "c": 1}')
    expect(broken.root && valueOf(broken.root)).toEqual({ a: 'b' })
  })

  test('shows half an answer', () => {
    const half = readJson('{"team": "bil')
    expect(half.root).toMatchObject({ opens: '{', isWhole: false })
    expect(half.root && valueOf(half.root)).toEqual({ team: 'bil' })
    for (const text of ['{"a": tr', '{"a": -', '{"a":', '{"a"', '{"a', '{'])
      expect(valueOf(readJson(text).root as JsonNode)).toEqual({})
    expect(valueOf(readJson('[1, 23').root as JsonNode)).toEqual([1])
    // Half a character is not shown.
    expect(valueOf(readJson('"a\\ud83d').root as JsonNode)).toBe('a')
    expect(valueOf(readJson('"a\\ud83d\\ude00').root as JsonNode)).toBe('a😀')
    expect(valueOf(readJson('{"__proto__": {"a": 1}}').root as JsonNode)).toEqual(
      JSON.parse('{"__proto__": {"a": 1}}'),
    )
  })
})

test('what was forced stays with its text', () => {
  const runs: Run[] = []
  for (const [text, forced] of [
    ['{"', true],
    ['te', true],
    ['am', true],
    ['": "', true],
    ['b', false],
    ['illing', true],
    ['", "', true],
    ['n": ', true],
    ['1', false],
    ['2}', false],
  ] as const)
    add(runs, text, forced)
  const { root } = readJson(runs.map(({ text }) => text).join(''))
  expect(root?.isWhole).toBe(true)
  const runsIn = (part?: JsonNode): Run[] => (part ? runsOf(part, runs) : [])
  expect(root?.members.map(({ key, value }) => [runsIn(key), runsIn(value)])).toEqual([
    [
      [{ text: 'team', forced: true }],
      [
        { text: 'b', forced: false },
        { text: 'illing', forced: true },
      ],
    ],
    [[{ text: 'n', forced: true }], [{ text: '12', forced: false }]],
  ])
})

describe('the place of a pointer', () => {
  const text = '{\n  "a": {"b/c": [1, {"x": "y"}], "~": null},\n  "": 3\n}'
  const root = readJson(text).root as JsonNode
  const at = (pointer: string) => {
    const { start, end } = nodeAt(root, pointer)
    return text.slice(start, end)
  }

  test('is the text of the part', () => {
    expect(at('')).toBe(text)
    expect(at('/a/b~1c')).toBe('[1, {"x": "y"}]')
    expect(at('/a/b~1c/1/x')).toBe('"y"')
    expect(at('/a/b~1c/0')).toBe('1')
    expect(at('/a/~0')).toBe('null')
    expect(at('/')).toBe('3')
  })

  test('is that of the nearest part that holds it, where it names nothing', () => {
    expect(at('/a/b~1c/7')).toBe('[1, {"x": "y"}]')
    expect(at('/a/~0/deep/down')).toBe('null')
    expect(at('/nowhere')).toBe(text)
  })

  test('is that of every value in any text', () => {
    fc.assert(
      fc.property(written, (json) => {
        const visit = (node: JsonNode): void => {
          expect(JSON.parse(json.slice(node.start, node.end))).toStrictEqual(valueOf(node))
          for (const { value } of node.members) if (value) visit(value)
        }
        visit(ended(json).root as JsonNode)
      }),
      { numRuns: 200 },
    )
  })
})

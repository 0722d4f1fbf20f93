// Events that are joined keep all of an answer and the order of its parts.

import { describe, expect, it } from 'vitest'
import { joinCalls, type CallPiece, type TextEvent } from '../../src/protocol/generation.ts'
import { callPieces, joinTexts } from '../../src/protocol/text-order.ts'

/** The parts of an answer in order: neighbours of one kind are one. */
function parts(events: readonly TextEvent[]): [kind: string, text: string][] {
  const said: [string, string][] = []
  const add = (kind: string, text: string, opens = false): void => {
    const last = said.at(-1)
    if (!opens && last?.[0] === kind) last[1] += text
    else if (opens || text !== '') said.push([kind, text])
  }
  for (const event of events) {
    const { continuing, opened } = callPieces(event)
    for (const piece of continuing) add('call', piece.arguments)
    add('thought', event.reasoning ?? '')
    add('text', event.text)
    for (const { name, arguments: text } of opened) add('call', `${name ?? ''}${text}`, name !== undefined)
  }
  return said
}

const event = (fields: Partial<TextEvent>, id = 0): TextEvent => ({
  type: 'text',
  text: '',
  ids: [id],
  ...fields,
})

/** Answers from a small generator of numbers: every kind of event behind every other. */
function answerOf(seed: number): TextEvent[] {
  let state = seed
  const next = (count: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * count)
  }
  let open = false
  return Array.from({ length: 1 + next(9) }, (_, at) => {
    const calls: CallPiece[] = []
    if (open && next(2) === 0) calls.push({ arguments: 'x' })
    const [text, reasoning] = [next(3) === 0 ? 't' : '', next(4) === 0 ? 'r' : undefined]
    if (text !== '' || reasoning !== undefined) open = false
    if (next(3) === 0) calls.push({ name: 'f', arguments: next(2) === 0 ? '' : '{' }, { arguments: 'y' })
    open ||= calls.some(({ name }) => name !== undefined)
    return event(
      { text, ...(reasoning !== undefined && { reasoning }), ...(calls.length > 0 && { calls }) },
      at,
    )
  })
}

describe('joined texts with log probabilities', () => {
  const scored = (token: string, fields: Partial<TextEvent>) =>
    event({ logprobs: [{ token, logprob: -1, bytes: [], top: [] }], ...fields })

  it('keep those of text apart from those of thoughts and calls', () => {
    const joined = joinTexts(
      [
        scored('r', { reasoning: 'r' }),
        scored('t', { text: 't' }),
        scored('u', { text: 'u', calls: [{ name: 'f', arguments: '{' }] }),
        scored('}', { calls: [{ arguments: '}' }] }),
        scored(']', { calls: [{ arguments: ']' }] }),
      ],
      'scored',
    )
    const tokens = joined.map(({ logprobs = [] }) => logprobs.map(({ token }) => token))
    expect(tokens).toEqual([['r'], ['t', 'u'], ['}', ']']])
  })
})

describe('joined texts', () => {
  it('say the same in the same order, whatever comes behind what', () => {
    for (let seed = 0; seed < 3000; seed++) {
      const events = answerOf(seed)
      const before = JSON.stringify(events)
      const joined = joinTexts(events)
      expect(parts(joined), before).toEqual(parts(events))
      const calls = (list: readonly TextEvent[]) => joinCalls(list.flatMap((each) => each.calls ?? []))
      expect(calls(joined)).toEqual(calls(events))
      expect(joined.flatMap(({ ids }) => ids)).toEqual(events.flatMap(({ ids }) => ids))
      expect(JSON.stringify(events)).toBe(before)
    }
  })

  it('are one where thoughts, text and calls come in this order', () => {
    const logprobs = [{ token: 'a', logprob: -1, bytes: [97], top: [] }]
    const events = [
      event({ reasoning: 'r', at: 0 }),
      event({ text: 'a', logprobs, at: 1 }, 1),
      event({ calls: [{ name: 'f', arguments: '{' }], at: 2 }, 2),
      event({ calls: [{ arguments: '}' }], logprobs, at: 3 }, 3),
    ]
    expect(joinTexts(events)).toEqual([
      {
        type: 'text',
        text: 'a',
        reasoning: 'r',
        calls: [{ name: 'f', arguments: '{' }, { arguments: '}' }],
        ids: [0, 1, 2, 3],
        logprobs: [...logprobs, ...logprobs],
      },
    ])
    expect(joinTexts([])).toEqual([])
  })
})

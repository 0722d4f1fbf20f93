// These tests compare stop strings in pieces with a search of the whole text.

import { describe, expect, test } from 'vitest'
import { StopStrings } from '../../src/answer/stop-strings.ts'
import { rng } from '../helpers/rng.ts'

/** Where the first complete stop string begins: the earliest end, then the longest; undefined if there is none. */
function firstStop(text: string, stops: readonly string[]): number | undefined {
  for (let end = 1; end <= text.length; end++) {
    const starts = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => end - stop.length)
    if (starts.length > 0) return Math.min(...starts)
  }
  return undefined
}

function run(pieces: readonly string[], stops: readonly string[]): { text: string; stopped: boolean } {
  const matcher = new StopStrings(stops)
  let text = ''
  for (const piece of pieces) {
    const out = matcher.push(piece)
    text += out.text
    if (out.stopped) return { text, stopped: true }
  }
  return { text: text + matcher.flush(), stopped: false }
}

test('any split gives what a search of the whole text gives', () => {
  const random = rng(41)
  const word = (letters: string, length: number): string =>
    Array.from({ length }, () => [...letters][random.int([...letters].length)]).join('')
  let stoppedCases = 0
  for (let round = 0; round < 5000; round++) {
    const letters = ['ab', 'abc', 'aé😀'][random.int(3)]
    const text = word(letters, random.int(30))
    const stops = Array.from({ length: random.int(4) }, () => word(letters, 1 + random.int(6)))
    const units = [...text]
    const pieces: string[] = []
    while (units.length > 0) pieces.push(units.splice(0, random.int(5)).join(''))
    const at = firstStop(text, stops)
    if (at !== undefined) stoppedCases++
    const { text: out, stopped } = run(pieces, stops)
    expect({ out, stopped }).toEqual({ out: text.slice(0, at), stopped: at !== undefined })
  }
  expect(stoppedCases).toBeGreaterThan(1000)
})

describe('push', () => {
  test('holds back only what may become a stop string', () => {
    const matcher = new StopStrings(['</s>', '\n\n'])
    expect(matcher.push('a<')).toEqual({ text: 'a', stopped: false })
    expect(matcher.push('/b')).toEqual({ text: '</b', stopped: false })
    expect(matcher.push('\n')).toEqual({ text: '', stopped: false })
    expect(matcher.push('c\n')).toEqual({ text: '\nc', stopped: false })
    expect(matcher.flush()).toBe('\n')
  })

  test('falls back to a shorter beginning', () => {
    const matcher = new StopStrings(['aab'])
    expect(matcher.push('aaa')).toEqual({ text: 'a', stopped: false })
    expect(matcher.push('b!')).toEqual({ text: '', stopped: true })
  })

  test('says nothing after a stop string', () => {
    const matcher = new StopStrings(['END'])
    expect(matcher.push('one END two')).toEqual({ text: 'one ', stopped: true })
    expect(matcher.push('three')).toEqual({ text: '', stopped: true })
    expect(matcher.flush()).toBe('')
  })

  test('takes the first to be complete, and the longest that ends there', () => {
    expect(run(['x abcd'], ['abcd', 'b'])).toEqual({ text: 'x a', stopped: true })
    expect(run(['x ab', 'cd'], ['cd', 'abcd'])).toEqual({ text: 'x ', stopped: true })
  })

  test('passes text on at once without stop strings, and ignores impossible ones', () => {
    for (const stops of [[], [''], ['\ude00'], ['a\ud83d']]) {
      const matcher = new StopStrings(stops)
      expect(matcher.push('a😀')).toEqual({ text: 'a😀', stopped: false })
      expect(matcher.flush()).toBe('')
    }
  })

  test('takes time that grows with the text alone', () => {
    const stop = 'a'.repeat(20_000) + 'b'
    const matcher = new StopStrings([stop])
    let length = 0
    for (let i = 0; i < 100_000; i++) length += matcher.push('a').text.length
    expect(length).toBe(80_000)
    expect(matcher.push('b')).toEqual({ text: '', stopped: true })
  })
})

// The scripts are answers of every kind that a lane gives, as its events, with what all dialects must make of them.

import { expect } from 'vitest'
import {
  joinCalls,
  type GenerationEvent,
  type TextEvent,
  type TokenLogprob,
  type ToolCall,
} from '../../../src/protocol/generation.ts'
import { finish, HELLO, start, text, type Step } from '../../api/helpers.ts'
import type { Answer, Ask, Dialect } from './dialect.ts'

export type Script = {
  name: string
  steps: Step[]
  ask?: Ask
  /** Where each token begins in the text, in code points. */
  offsets?: number[]
}

type FinishEvent = Extract<GenerationEvent, { type: 'finish' }>

const part = (fields: Partial<TextEvent>): GenerationEvent => ({
  type: 'text',
  text: '',
  ids: [1],
  ...fields,
})
const thought = (reasoning: string): GenerationEvent => part({ reasoning })
const ended = (fields: Partial<FinishEvent>): GenerationEvent => ({ ...finish, ...fields }) as GenerationEvent

const CALLS: ToolCall[] = [
  { name: 'get_weather', arguments: '{"city":"北京"}' },
  { name: 'now', arguments: '{}' },
]

/** A call as a grammar lets it come: who is called, then what of its arguments is certain. */
const pieces = (name: string, ...texts: string[]): GenerationEvent[] => [
  part({ calls: [{ name, arguments: '' }] }),
  ...texts.map((each) => part({ calls: [{ arguments: each }] })),
]

function logprob(token: string, value: number): TokenLogprob {
  const bytes = [...new TextEncoder().encode(token)]
  const entry = { token, logprob: value, bytes }
  return { ...entry, top: [entry, { token: 'rival', logprob: value - 1, bytes: [114] }] }
}

/** The text event of tokens that are its text. */
function tokens(...names: string[]): GenerationEvent {
  const logprobs = names.map((name, i) => logprob(name, -0.25 * (i + 1)))
  return { type: 'text', text: names.join(''), ids: names.map((_, i) => i), logprobs }
}

export const ERROR: GenerationEvent = { type: 'error', code: 'engine_failure', message: 'a kernel trapped' }

export const progress = (state: 'queued' | 'loading' | 'prefill'): GenerationEvent => ({
  type: 'progress',
  state,
  done: 1,
  total: 2,
})

export const SCRIPTS: Script[] = [
  { name: 'plain', steps: HELLO },
  {
    name: 'empty',
    steps: [start, ended({ usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 0 } })],
  },
  { name: 'white space at both ends', steps: [start, text(' '), text('a'), text(' \n'), finish] },
  { name: 'text that is held back', steps: [start, text(''), text(''), text('ok'), text(''), finish] },
  {
    name: 'letters of many bytes, and text that looks like frames',
    steps: [
      start,
      ...['北', '京', ' 🌍', '\n\ndata: [DONE]\n\n', '\u2028', '\r\n', ':\n\n', '"\\', '\u0000'].map(text),
      finish,
    ],
  },
  { name: 'thoughts', steps: [start, thought('hm, '), part({ text: 'yes', reasoning: 'well' }), finish] },
  {
    name: 'thoughts alone, cut',
    steps: [start, thought('hm, '), thought('well'), ended({ reason: 'length' })],
  },
  {
    name: 'calls behind text',
    steps: [start, text('我来查一下。'), part({ calls: CALLS }), ended({ reason: 'tool_calls' })],
    ask: { tools: true },
  },
  {
    name: 'calls one at a time, behind thoughts',
    steps: [
      start,
      thought('two'),
      part({ calls: CALLS.slice(0, 1) }),
      part({ calls: CALLS.slice(1) }),
      ended({ reason: 'tool_calls' }),
    ],
    ask: { tools: true },
  },
  {
    name: 'a call in pieces',
    steps: [start, ...pieces('get_weather', '{"ci', 'ty":', '', '"北京"}'), ended({ reason: 'tool_calls' })],
    ask: { tools: true },
  },
  {
    name: 'calls in pieces, behind thoughts and text',
    steps: [
      start,
      thought('two'),
      text('我来'),
      text('查一下。'),
      ...pieces('get_weather', '{"city"', ':"北京'),
      part({ calls: [{ arguments: '"}' }, { name: 'now', arguments: '{' }] }),
      part({ calls: [{ arguments: '}' }, CALLS[0], { name: 'now', arguments: '' }] }),
      ended({ reason: 'tool_calls', closedEarly: true }),
    ],
    ask: { tools: true },
  },
  {
    name: 'text in front of calls, between them and behind them',
    steps: [
      start,
      part({ text: 'a', calls: [{ name: 'now', arguments: '{' }] }),
      part({ text: 'b', calls: [{ arguments: '}' }, { name: 'get_weather', arguments: '' }] }),
      part({ calls: [{ arguments: '{"city":"x"' }] }),
      part({ text: 'c', calls: [{ arguments: '}' }] }),
      text(''),
      text('d'),
      part({ calls: [CALLS[1]] }),
      part({ reasoning: 'hm', text: 'e' }),
      text('f'),
      ended({ reason: 'tool_calls' }),
    ],
    ask: { tools: true },
  },
  {
    name: 'thoughts behind text',
    steps: [start, thought('hm'), text('a'), thought('well'), part({ text: 'b', reasoning: '!' }), finish],
  },
  {
    name: 'a call in pieces that is cut by length',
    steps: [start, text('a'), ...pieces('get_weather', '{"city"', ':'), ended({ reason: 'length' })],
    ask: { tools: true },
  },
  {
    name: 'a call of a function in the old spelling',
    steps: [start, text('a'), ...pieces('get_weather', '{"ci', 'ty":1}'), ended({ reason: 'tool_calls' })],
    ask: { functions: true },
  },
  {
    name: 'a call of the function that the request names',
    steps: [start, ...pieces('get_weather', '{', '}'), ended({ reason: 'tool_calls' })],
    ask: { tools: true, named: true },
  },
  {
    name: 'a call of the function that the request names in the old spelling',
    steps: [start, ...pieces('get_weather', '{', '}'), ended({ reason: 'tool_calls' })],
    ask: { functions: true, named: true },
  },
  {
    name: 'a call of the function that the request names, cut by length',
    steps: [start, ...pieces('get_weather', '{'), ended({ reason: 'length' })],
    ask: { tools: true, named: true },
  },
  {
    name: 'an answer under a form, of which some was ignored',
    steps: [start, text('{}'), ended({ closedEarly: true, ignored: ['#/properties/a/format'] })],
  },
  {
    name: 'calls that are cut by length',
    steps: [start, text('a'), part({ text: 'b', calls: CALLS }), ended({ reason: 'length' })],
    ask: { tools: true },
  },
  {
    name: 'log probabilities',
    steps: [start, tokens('He'), tokens('l', 'lo'), tokens(' Welt'), finish],
    ask: { logprobs: true },
    offsets: [0, 2, 3, 5],
  },
  {
    name: 'log probabilities of an empty answer',
    steps: [start, finish],
    ask: { logprobs: true },
  },
  {
    name: 'log probabilities of text that is held back',
    steps: [
      start,
      { type: 'text', text: '', ids: [1], logprobs: [logprob('\ufffd', -1)] },
      { type: 'text', text: '🌍', ids: [2], logprobs: [logprob('\ufffd', -2)] },
      tokens('!'),
      finish,
    ],
    ask: { logprobs: true },
    offsets: [0, 0, 1],
  },
  {
    name: 'log probabilities of bytes of one character, and of tokens that print nothing',
    steps: [
      start,
      tokens('a🌍'),
      {
        type: 'text',
        text: 'é🌍b',
        ids: [1, 2, 3, 4, 5],
        logprobs: [
          { ...logprob('\ufffd', -1), bytes: [0xc3] },
          { ...logprob('\ufffd', -2), bytes: [0xa9, 0xf0, 0x9f] },
          { ...logprob('\ufffd', -3), bytes: [0x8c, 0x8d] },
          { ...logprob('<|x|>', -4), bytes: [] },
          logprob('b', -5),
        ],
      },
      // Of a token's text a stop string may take a part.
      { type: 'text', text: '', ids: [6], logprobs: [logprob('END', -6)] },
      finish,
    ],
    ask: { logprobs: true },
    offsets: [0, 2, 2, 3, 4, 4, 5],
  },
  {
    name: 'log probabilities behind an echo',
    steps: [start, { type: 'text', text: 'Once 🌍', ids: [] }, tokens('a'), tokens('b'), finish],
    ask: { logprobs: true },
    offsets: [6, 7],
  },
  { name: 'cut by length', steps: [start, text('a'), text('b'), ended({ reason: 'length' })] },
  {
    name: 'stopped by the platform',
    steps: [start, text('a'), ended({ reason: 'length', stopped: 'cpu_limit' })],
  },
  {
    name: 'a prompt that was cut, full attention, a hash',
    steps: [
      { type: 'start', promptTokens: 12, cachedTokens: 5, truncatedTokens: 77 },
      text('a'),
      ended({ logitsHash: 'abc', window: { window: undefined, sinks: 0, outOfSight: 0 } }),
    ],
  },
  {
    name: 'reports of waiting, loading and computing',
    steps: [
      progress('queued'),
      progress('loading'),
      start,
      progress('prefill'),
      text('a'),
      progress('queued'),
      text('b'),
      finish,
    ],
  },
]

/** What every rendering of the script says, as far as the dialect has words for it. */
export function expected(dialect: Dialect, { steps, ask }: Script): Partial<Answer> {
  const events = steps.filter((step): step is GenerationEvent => 'type' in step)
  const texts = events.filter((event) => event.type === 'text')
  const last = events.at(-1) as FinishEvent
  const calls = dialect.says.calls ? joinCalls(texts.flatMap((event) => event.calls ?? [])) : []
  const logprobs = texts.flatMap((event) => event.logprobs ?? [])
  return {
    text: texts.map((event) => event.text).join(''),
    reasoning: dialect.says.reasoning ? texts.map((event) => event.reasoning ?? '').join('') : '',
    calls: calls.map((call) => ({
      name: call.name,
      arguments: dialect.calls?.arguments(call.arguments) ?? call.arguments,
      id: expect.stringMatching(dialect.calls?.id ?? /^call_/) as string,
    })),
    logprobs:
      dialect.says.logprobs && ask?.logprobs === true && logprobs.length > 0
        ? logprobs.map(({ token, logprob: value }) => expect.objectContaining({ token, logprob: value }))
        : null,
    finish: dialect.finish(last.reason, ask),
    islet: expect.objectContaining({
      out_of_sight: last.window.outOfSight,
      cached_tokens: last.usage.cachedTokens,
      ...(last.stopped !== undefined && { stopped: last.stopped }),
      ...(last.closedEarly === true && { closed_early: true }),
      ...(last.ignored !== undefined && { ignored: last.ignored }),
      ...(last.logitsHash !== undefined && { logits_sha256: last.logitsHash }),
    }),
  }
}

/** The usage that a script ends with. */
export function usageOf({ steps }: Script): FinishEvent['usage'] {
  return (steps.at(-1) as FinishEvent).usage
}

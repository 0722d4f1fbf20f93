// This module holds the text and questions of a decision, sends them, and keeps what was answered.

import { batch, computed, effect, signal } from '@preact/signals'
import { callJson, ServerError } from '../client/server.ts'
import { DECIDE_EXAMPLES, type DecideExample } from './examples.ts'
import { lastRequest } from './focus.ts'
import { tab } from './preferences.ts'
import {
  asked,
  emptyQuestion,
  problemOf,
  type DecisionReply,
  type Question,
  type QuestionType,
} from './questions.ts'
import { model, server, tell } from './server.ts'

/** A question with what tells it from others while they are moved and edited. */
export type Card = Question & { id: number }
/** `of`: the cards as they were asked. */
export type Decided = {
  of: readonly Card[]
  calibrated: DecisionReply
  raw: DecisionReply
  /** Milliseconds until the calibrated answers were there, the network included. */
  ms: number
}

export const text = signal('')
export const cards = signal<readonly Card[]>([])
export const isAsking = signal(false)
export const decided = signal<Decided | undefined>(undefined)
export const failure = signal<string | undefined>(undefined)
/** The question that the server does not take, by its id. */
export const refused = signal<number | undefined>(undefined)

const PATH = '/v1/decisions'
let ids = 0
let running: AbortController | undefined

/** The body of the request; undefined while there is nothing to ask. */
export const body = computed<object | undefined>(() => {
  if (text.value.trim() === '' || cards.value.length === 0) return undefined
  if (cards.value.some((card) => problemOf(card) !== undefined)) return undefined
  const id = model.value?.id
  return { ...(id !== undefined && { model: id }), input: text.value, questions: asked(cards.value) }
})

export function takeExample(example: DecideExample): void {
  stop()
  batch(() => {
    text.value = example.text
    cards.value = example.questions.map((question) => ({ ...question, id: ids++ }))
    decided.value = failure.value = refused.value = undefined
  })
}

takeExample(DECIDE_EXAMPLES[0])

effect(() => {
  if (tab.value !== 'decide') return
  lastRequest.value = body.value && { method: 'POST', path: PATH, body: body.value }
})

/** Adds an empty question and returns its id. */
export function add(type: QuestionType): number {
  const id = ids++
  cards.value = [...cards.value, { ...emptyQuestion(type), id }]
  return id
}

export function change(id: number, to: Partial<Question>): void {
  cards.value = cards.value.map((card) => (card.id === id ? { ...card, ...to } : card))
}

export function remove(id: number): void {
  cards.value = cards.value.filter((card) => card.id !== id)
}

export function stop(): void {
  running?.abort()
}

/** Asks twice: with the prior taken off, and with it, for which nothing but the options' words is computed again. */
export async function decide(): Promise<void> {
  stop()
  const sent = body.peek()
  if (sent === undefined) return
  const of = cards.peek()
  const { signal } = (running = new AbortController())
  const ask = (more: object): Promise<DecisionReply> =>
    callJson<DecisionReply>(server.peek(), 'POST', PATH, { ...sent, ...more }, signal)
  batch(() => {
    isAsking.value = true
    failure.value = refused.value = undefined
  })
  try {
    const begun = performance.now()
    const calibrated = await ask({})
    const ms = performance.now() - begun
    decided.value = { of, calibrated, raw: await ask({ islet: { calibration: 'none' } }), ms }
  } catch (error) {
    if (signal.aborted) return
    batch(() => {
      decided.value = undefined
      failure.value = error instanceof ServerError ? error.message : 'The connection broke off.'
      const at = error instanceof ServerError && /^questions\[(\d+)\]/.exec(error.param ?? '')
      if (at) refused.value = of[Number(at[1])]?.id
    })
    if (error instanceof ServerError && error.status !== 400) tell(error)
  } finally {
    if (running?.signal === signal) isAsking.value = false
  }
}

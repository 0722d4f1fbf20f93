// This module holds the text and questions of a decision, sends them, and keeps what was answered.

import { batch, computed, effect, signal } from '@preact/signals'
import { callJson, type ServerError } from '../client/server.ts'
import { DECIDE_EXAMPLES, type DecideExample } from './examples.ts'
import { lastRequest } from './focus.ts'
import { tab } from './preferences.ts'
import { asked, emptyQuestion, problemOf, type DecisionReply, type Question, type QuestionType } from './questions.ts' // prettier-ignore
import { model, server } from './server.ts'
import { task } from './task.ts'

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
export const decision = task()
export const decided = signal<Decided | undefined>(undefined)
/** The question that the server does not take, by its id. */
export const refused = signal<number | undefined>(undefined)

const PATH = '/v1/decisions'
let ids = 0

/** The body of the request; undefined while there is nothing to ask. */
export const body = computed<object | undefined>(() => {
  const isReady = text.value.trim() && cards.value.length > 0 && !cards.value.some(problemOf)
  return isReady ? { model: model.value?.id, input: text.value, questions: asked(cards.value) } : undefined
})

export function takeExample(example: DecideExample): void {
  decision.stop()
  batch(() => {
    text.value = example.text
    cards.value = example.questions.map((question) => ({ ...question, id: ids++ }))
    decided.value = refused.value = undefined
    decision.failure.value = ''
  })
}

takeExample(DECIDE_EXAMPLES[0])

effect(() => {
  if (tab.value !== 'decide') return
  lastRequest.value = body.value && { method: 'POST', path: PATH, body: body.value }
})

/** Adds an empty question. */
export function add(type: QuestionType): void {
  cards.value = [...cards.value, { ...emptyQuestion(type), id: ids++ }]
}

export function change(id: number, to: Partial<Question>): void {
  cards.value = cards.value.map((card) => (card.id === id ? { ...card, ...to } : card))
}

export function remove(id: number): void {
  cards.value = cards.value.filter((card) => card.id !== id)
}

/** Asks twice: with the prior taken off, and with it, for which nothing but the options' words is computed again. */
export async function decide(): Promise<void> {
  const sent = body.peek()
  if (sent === undefined) return
  const of = cards.peek()
  await decision.run(
    async (signal) => {
      refused.value = undefined
      const ask = (more?: object): Promise<DecisionReply> =>
        callJson<DecisionReply>(server.peek(), 'POST', PATH, { ...sent, ...more }, signal)
      const begun = performance.now()
      const calibrated = await ask()
      const ms = performance.now() - begun
      decided.value = { of, calibrated, raw: await ask({ islet: { calibration: 'none' } }), ms }
    },
    (error) => {
      decided.value = undefined
      const [, at] = /^questions\[(\d+)\]/.exec((error as ServerError).param ?? '') ?? []
      refused.value = of[Number(at)]?.id
      return false
    },
  )
}

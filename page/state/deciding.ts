// This module holds the text and questions of a decision, sends them, and keeps what was answered.

import van from 'vanjs-core'
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

export const text = van.state('')
export const cards = van.state<readonly Card[]>([])
export const decision = task()
export const decided = van.state<Decided | undefined>()
/** The question that the server does not take, by its id. */
export const refused = van.state<number | undefined>()

const PATH = '/v1/decisions'
let ids = 0

/** The body of the request; undefined while there is nothing to ask. */
export function body(): object | undefined {
  const isReady = text.val.trim() && cards.val.length > 0 && !cards.val.some(problemOf)
  return isReady ? { model: model.val?.id, input: text.val, questions: asked(cards.val) } : undefined
}

export function takeExample(example: DecideExample): void {
  decision.stop()
  text.val = example.text
  cards.val = example.questions.map((question) => ({ ...question, id: ids++ }))
  decided.val = refused.val = undefined
  decision.failure.val = ''
}

takeExample(DECIDE_EXAMPLES[0])

van.derive(() => {
  if (tab.val !== 'decide') return
  const next = body()
  lastRequest.val = next && { path: PATH, body: next }
})

/** Adds an empty question. */
export function add(type: QuestionType): void {
  cards.val = [...cards.val, { ...emptyQuestion(type), id: ids++ }]
}

export function change(id: number, to: Partial<Question>): void {
  cards.val = cards.val.map((card) => (card.id === id ? { ...card, ...to } : card))
}

export function remove(id: number): void {
  cards.val = cards.val.filter((card) => card.id !== id)
}

/** Asks twice: with the prior taken off, and with it, for which nothing but the options' words is computed again. */
export async function decide(): Promise<void> {
  const sent = body()
  if (sent === undefined) return
  const of = cards.rawVal
  await decision.run(
    async (signal) => {
      refused.val = undefined
      const ask = (more?: object): Promise<DecisionReply> =>
        callJson<DecisionReply>(server(), 'POST', PATH, { ...sent, ...more }, signal)
      const begun = performance.now()
      const calibrated = await ask()
      const ms = performance.now() - begun
      decided.val = { of, calibrated, raw: await ask({ islet: { calibration: 'none' } }), ms }
    },
    (error) => {
      decided.val = undefined
      const [, at] = /^questions\[(\d+)\]/.exec((error as ServerError).param ?? '') ?? []
      refused.val = of[Number(at)]?.id
      return false
    },
  )
}

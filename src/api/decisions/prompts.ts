// A decision's prompts put each question behind the state; the words that could answer it are what is scored.

import type { ChatMessage } from '../../protocol/generation.ts'
import type { ScoredPrompt } from '../../protocol/scores.ts'
import type { DecisionOrder, Option, Question } from './schema.ts'
import { merged, type Said } from './state.ts'

// All words and figures here were chosen on one half of bench/data/decisions.json (docs/decisions.md).

/** Stand for a state that says nothing: what a question's words weigh behind them, in the mean, is their prior. */
export const EMPTY_STATES = ['', '(no text)']

/** What a predicate is held against: a statement that is true of most texts. */
const NOTHING = 'There is nothing special about it.'

/** What a nat of a score counts in the probabilities of each kind of question. */
export const SCALES: Readonly<Record<Question['type'], number>> = { predicate: 1, choice: 2, score: 0.5 }

/**
 * The prompts of an order: its questions behind its state, then, unless that is switched off, the same questions behind
 * each of the empty states, which the lane may keep.
 */
export function scoredPrompts({ state, questions, calibration }: DecisionOrder): ScoredPrompt[] {
  const asked = questions.map((question) => scoredPrompt(state, question))
  if (calibration === 'none') return asked
  // What a developer says holds for every state.
  const rules = state.filter(({ role }) => role === 'system')
  const priors = EMPTY_STATES.flatMap((content) => {
    const empty = [...rules, { role: 'user', content }]
    return questions.map((question) => ({ ...scoredPrompt(empty, question), keep: true }))
  })
  return [...asked, ...priors]
}

function scoredPrompt(state: readonly ChatMessage[], question: Question): ScoredPrompt {
  const messages = merged([...(state as Said[]), { role: 'user', content: textOf(question) }])
  return { prompt: { kind: 'chat', messages }, continuations: answersOf(question) }
}

/**
 * What is asked behind the state. A predicate is not shown: its words would be copied, whether they hold or not. Nor are
 * options: where they were listed, the smaller model was right in 11 of 20 reviews instead of 17 or 18.
 */
function textOf({ type, instructions }: Question): string {
  return type === 'predicate' || instructions === '' ? 'What is true of this text?' : instructions
}

/** The texts that are scored, in the order of the options; of a predicate that it holds, then that nothing does. */
function answersOf(question: Question): string[] {
  switch (question.type) {
    case 'predicate':
      return [question.instructions, NOTHING]
    case 'choice':
      return question.options.map(choiceText)
    case 'score':
      return question.options.map(levelText)
  }
}

function choiceText({ label, description }: Option<unknown>): string {
  return description === undefined ? `It is ${label}.` : `It is about ${description}: ${label}.`
}

/** A level whose label is but a number is known by its description. */
function levelText({ label, description }: Option<unknown>): string {
  if (description === undefined) return `This is ${label}.`
  return /^\d+$/.test(label) ? `This is: ${description}.` : `This is ${label}, ${description}.`
}

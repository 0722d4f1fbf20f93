// Questions of a decision as a person edits them, and what the server's answers to them say.

import { percent } from './memory.ts'

export type QuestionType = 'predicate' | 'choice' | 'score'
/** A choice's value, or a score's level, with what it means. */
export type Option = { label: string; description: string }
/** `options` of a predicate are not used. */
export type Question = { type: QuestionType; name: string; instructions: string; options: readonly Option[] }

export const TYPES: Readonly<Record<QuestionType, { title: string; hint: string }>> = {
  predicate: { title: 'Statement', hint: 'What may be true' },
  choice: { title: 'Choice', hint: 'A question with options' },
  score: { title: 'Score', hint: 'A question; lowest level first' },
}

export function emptyQuestion(type: QuestionType): Question {
  const blank = { label: '', description: '' }
  return { type, name: '', instructions: '', options: [blank, blank] }
}

/** What is wrong with a question, in words; undefined if it can be asked. */
export function problemOf({ type, instructions, options }: Question): string | undefined {
  if (type === 'predicate') return instructions.trim() === '' ? 'Write what may be true.' : undefined
  const labels = options.map(({ label }) => label.trim())
  if (labels.includes('')) return 'Each option needs a name.'
  return type === 'choice' && new Set(labels).size < labels.length ? 'Two options have one name.' : undefined
}

const filled = (text: string): string | undefined => text.trim() || undefined

/** The questions as POST /v1/decisions has them. */
export function asked(questions: readonly Question[]): object[] {
  return questions.map(({ type, name, instructions, options }) => {
    const [list, label] = type === 'choice' ? ['choices', 'value'] : ['levels', 'label']
    return {
      type,
      name: filled(name),
      instructions: filled(instructions),
      ...(type !== 'predicate' && {
        [list]: options.map((option) => ({
          [label]: option.label.trim(),
          description: filled(option.description),
        })),
      }),
    }
  })
}

/** The reply of POST /v1/decisions, as far as the page reads it. */
export type DecisionReply = {
  answers: (
    | { type: 'predicate'; probability: number }
    | {
        type: 'choice'
        choice: string | boolean
        probabilities: { label?: undefined; value: string | boolean; probability: number }[]
      }
    | { type: 'score'; score: number; probabilities: { label: string; value: number; probability: number }[] }
  )[]
  usage: { input_tokens: number; input_tokens_details: { cached_tokens: number } }
  islet: { reliability: ('measured' | 'near_chance' | 'unmeasured')[] }
}

/** One option of an answered question: its probabilities, of 1, with the prior taken off and with it. */
export type Bar = { label: string; calibrated: number; raw: number; isBest: boolean }
export type Verdict = { bars: Bar[]; said: string; note: string | undefined }

/** What both replies say of the question with this index. */
export function verdictOf(calibrated: DecisionReply, raw: DecisionReply, index: number): Verdict {
  const answer = calibrated.answers[index]
  const others = oddsOf(raw.answers[index])
  const odds = oddsOf(answer)
  const most = Math.max(...odds.map(([, each]) => each))
  const bars = odds.map(([label, each], i) => ({
    label,
    calibrated: each,
    raw: others[i][1],
    isBest: each === most,
  }))
  const { label } = bars.find(({ isBest }) => isBest) ?? bars[0]
  return {
    bars,
    said:
      answer.type === 'score'
        ? `${answer.score.toFixed(1)} of ${bars.length - 1}, most likely ${label}`
        : `${label}, ${percent(most)}`,
    note:
      answer.type === 'predicate' && most < 0.6
        ? 'Near even odds: it cannot tell.'
        : NOTES[calibrated.islet.reliability[index]],
  }
}

const NOTES: Readonly<Record<string, string | undefined>> = {
  near_chance: 'Near chance: no better than a guess.',
  unmeasured: 'Not measured for this model.',
}

function oddsOf(answer: DecisionReply['answers'][number]): [label: string, odds: number][] {
  if (answer.type !== 'predicate')
    return answer.probabilities.map(({ label, value, probability }) => [label ?? String(value), probability])
  return [
    ['true', answer.probability],
    ['not true', 1 - answer.probability],
  ]
}

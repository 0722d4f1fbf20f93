// Questions of a decision as a person edits them, and what the server's answers to them say.

export type QuestionType = 'predicate' | 'choice' | 'score'
/** A choice's value, or a score's level, with what it means. */
export type Option = { label: string; description: string }
/** `options` of a predicate are not used. */
export type Question = { type: QuestionType; name: string; instructions: string; options: readonly Option[] }

export const TYPES: Readonly<Record<QuestionType, { title: string; hint: string }>> = {
  predicate: { title: 'Statement', hint: 'What may be true, as a statement' },
  choice: { title: 'Choice', hint: 'A question with some options: describe all or none' },
  score: { title: 'Score', hint: 'A question with levels, the lowest first' },
}

export function emptyQuestion(type: QuestionType): Question {
  const blank = { label: '', description: '' }
  return { type, name: '', instructions: '', options: type === 'predicate' ? [] : [blank, blank] }
}

/** What is wrong with a question, in words; undefined if it can be asked. */
export function problemOf({ type, instructions, options }: Question): string | undefined {
  if (type === 'predicate') return instructions.trim() === '' ? 'Write what may be true.' : undefined
  const labels = options.map(({ label }) => label.trim())
  if (labels.includes('')) return 'Each option needs a name.'
  return type === 'choice' && new Set(labels).size < labels.length ? 'Two options have one name.' : undefined
}

/** The questions as POST /v1/decisions has them. */
export function asked(questions: readonly Question[]): object[] {
  return questions.map(({ type, name, instructions, options }) => {
    const said = options.map(({ label, description }) => ({
      [type === 'choice' ? 'value' : 'label']: label.trim(),
      ...(description.trim() !== '' && { description: description.trim() }),
    }))
    return {
      type,
      ...(name.trim() !== '' && { name: name.trim() }),
      ...((type === 'predicate' || instructions.trim() !== '') && { instructions: instructions.trim() }),
      ...(type === 'choice' && { choices: said }),
      ...(type === 'score' && { levels: said }),
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
        probabilities: { value: string | boolean; probability: number }[]
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
  const best = bars.find(({ isBest }) => isBest) ?? bars[0]
  const reliability = calibrated.islet.reliability[index]
  let note: string | undefined
  if (answer.type === 'predicate' && most < 0.6) note = 'Near even odds: the model cannot tell.'
  else if (reliability === 'near_chance')
    note = 'Near chance: on such questions this model did no better than guessing.'
  else if (reliability === 'unmeasured') note = 'Not measured for this model.'
  const said =
    answer.type === 'score'
      ? `${answer.score.toFixed(1)} of ${bars.length - 1}, most likely ${best.label}`
      : `${best.label}, ${percent(best.calibrated)}`
  return { bars, said, note }
}

type Answer = DecisionReply['answers'][number]

function oddsOf(answer: Answer): [label: string, odds: number][] {
  if (answer.type === 'predicate')
    return [
      ['true', answer.probability],
      ['not true', 1 - answer.probability],
    ]
  if (answer.type === 'choice')
    return answer.probabilities.map(({ value, probability }) => [String(value), probability])
  return answer.probabilities.map(({ label, probability }) => [label, probability])
}

/** Without false precision: certainty is never claimed. */
export function percent(odds: number): string {
  if (odds > 0.99 && odds < 1) return '> 99 %'
  return odds > 0 && odds < 0.01 ? '< 1 %' : `${Math.round(odds * 100)} %`
}

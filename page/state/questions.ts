// Questions of a decision as a person edits them, and what the server's answers to them say.

export type QuestionType = 'predicate' | 'choice' | 'score'
/** A choice's value, or a score's level, with what it means. */
export type Option = { label: string; description: string }
/** `options` of a predicate are not used. */
export type Question = { type: QuestionType; name: string; instructions: string; options: readonly Option[] }

export const TYPES: Readonly<Record<QuestionType, { title: string; hint: string; empty: Question }>> = {
  predicate: {
    title: 'Statement',
    hint: 'Something that may be true of the text. Write a statement, not a question.',
    empty: { type: 'predicate', name: '', instructions: '', options: [] },
  },
  choice: {
    title: 'Choice',
    hint: 'One of some options. Describe all of them, or none.',
    empty: { type: 'choice', name: '', instructions: '', options: blanks() },
  },
  score: {
    title: 'Score',
    hint: 'Levels from the lowest to the highest.',
    empty: { type: 'score', name: '', instructions: '', options: blanks() },
  },
}

function blanks(): Option[] {
  return Array.from({ length: 2 }, () => ({ label: '', description: '' }))
}

/** What is wrong with a question, in words; undefined if it can be asked. */
export function problemOf({ type, instructions, options }: Question): string | undefined {
  if (type === 'predicate') return instructions.trim() === '' ? 'Write what may be true.' : undefined
  const labels = options.map(({ label }) => label.trim())
  if (labels.some((label) => label === '')) return 'Give each option a name.'
  if (type === 'score') return labels.length < 1 ? 'Add a level.' : undefined
  if (labels.length < 2) return 'A choice needs two options.'
  return new Set(labels).size < labels.length ? 'Two options have the same name.' : undefined
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

/** Where a statement is so near to even odds that nothing follows of it. */
const NEAR_EVEN = 0.1

/** What both replies say of the question with this index. */
export function verdictOf(calibrated: DecisionReply, raw: DecisionReply, index: number): Verdict {
  const answer = calibrated.answers[index]
  const [mine, other] = [calibrated, raw].map(({ answers }) => oddsOf(answers[index]))
  const best = mine.findIndex(({ odds }) => odds === Math.max(...mine.map((each) => each.odds)))
  const bars = mine.map(({ label, odds }, i) => ({
    label,
    calibrated: odds,
    raw: other[i].odds,
    isBest: i === best,
  }))
  const isEven = answer.type === 'predicate' && Math.abs(answer.probability - 0.5) < NEAR_EVEN
  return { bars, said: saidOf(answer, bars[best]), note: noteOf(calibrated.islet.reliability[index], isEven) }
}

type Answer = DecisionReply['answers'][number]

function oddsOf(answer: Answer): { label: string; odds: number }[] {
  switch (answer.type) {
    case 'predicate':
      return [
        { label: 'true', odds: answer.probability },
        { label: 'not true', odds: 1 - answer.probability },
      ]
    case 'choice':
      return answer.probabilities.map(({ value, probability }) => ({
        label: String(value),
        odds: probability,
      }))
    case 'score':
      return answer.probabilities.map(({ label, probability }) => ({ label, odds: probability }))
  }
}

/** Per cent without false precision: certainty is never claimed. */
export function percent(odds: number): string {
  const whole = Math.round(odds * 100)
  if (whole === 100 && odds < 1) return '> 99 %'
  return whole === 0 && odds > 0 ? '< 1 %' : `${whole} %`
}

function saidOf(answer: Answer, best: Bar): string {
  if (answer.type !== 'score') return `${best.label}, ${percent(best.calibrated)}`
  const top = answer.probabilities.length - 1
  return `${answer.score.toFixed(1)} on a scale of 0 to ${top}, most likely ${best.label}`
}

function noteOf(
  reliability: DecisionReply['islet']['reliability'][number],
  isEven: boolean,
): string | undefined {
  if (isEven) return 'Near even odds: the model cannot tell.'
  if (reliability === 'near_chance')
    return 'Near chance: this model was not better than guessing at such questions.'
  return reliability === 'unmeasured'
    ? 'Not measured for this model: try it on texts that you know.'
    : undefined
}

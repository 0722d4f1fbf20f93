// The judge of sampling looks at answers mechanically: loops, foreign script, cuts, refusals, and tasks that can be checked.

/** A prompt of bench/data/sampling.json with what its answer can be held to; none for small talk and explanations. */
export type Task = {
  task: string
  text: string
  /** Each of these stands in the answer, as it is written. */
  holds?: string[]
  /** One of these words stands in it, in any case. */
  any?: string[]
  /** The whole answer is one of these, in any case, quotes and punctuation aside. */
  word?: string[]
  /** At most so many words, on one line. */
  words?: number
  /** From so many to so many parts between commas, on one line, each of at most four words. */
  items?: [least: number, most: number]
  /** From so many to so many items of a list: lines that begin with a number or a bullet, or lines at all where none does. */
  lines?: [least: number, most: number]
}

export type Verdict = {
  /** What is broken whatever was asked. */
  loop: boolean
  script: boolean
  cut: boolean
  empty: boolean
  refusal: boolean
  /** Undefined where nothing can be checked. */
  right: boolean | undefined
}

/** What `answer` is; `isCut`: the limit of tokens ended it. */
export function judge(task: Task, answer: string, isCut: boolean): Verdict {
  return {
    loop: loops(answer),
    script: isForeign(answer),
    cut: isCut,
    empty: !/[\p{L}\p{N}]/u.test(answer),
    refusal: /\b(I'm sorry|I am sorry|I can(no|')t|I'm (not able|unable)|as an AI)\b/i.test(
      answer.slice(0, 80),
    ),
    right: isRight(task, answer.trim()),
  }
}

/** Nothing is broken, nothing is refused, and what can be checked is right. */
export function isGood({ loop, script, cut, empty, refusal, right }: Verdict): boolean {
  return !loop && !script && !cut && !empty && !refusal && right !== false
}

/** Words of a unit that is looked for side by side. */
const LONGEST_UNIT = 24

/**
 * Four times the same words in a row, up to 24 of them, or three times the same line, numbers aside; or of 40 words and more fewer
 * than half of all runs of four are different.
 */
export function loops(answer: string): boolean {
  const words = answer.toLowerCase().match(/[\p{L}']+/gu) ?? []
  for (let unit = 1; unit <= LONGEST_UNIT; unit++) {
    let same = 0
    for (let i = unit; i < words.length; i++) {
      same = words[i] === words[i - unit] ? same + 1 : 0
      if (same === 3 * unit) return true
    }
  }
  const lines = answer
    .split('\n')
    .map((line) => line.replace(/\d+/g, '').trim())
    .filter((line) => line !== '')
  if (lines.some((line, i) => i > 1 && line === lines[i - 1] && line === lines[i - 2])) return true
  const runs = words.slice(3).map((_, i) => words.slice(i, i + 4).join(' '))
  return words.length >= 40 && new Set(runs).size < runs.length / 2
}

/** One letter in twenty is of another script than the prompts', or there are broken characters. */
function isForeign(answer: string): boolean {
  const letters = answer.match(/\p{L}/gu) ?? []
  const foreign = letters.filter((letter) => !/\p{Script=Latin}/u.test(letter)).length
  return answer.includes('\ufffd') || foreign > letters.length / 20
}

function isRight({ holds, any, word, words, items, lines }: Task, answer: string): boolean | undefined {
  if (holds !== undefined) return holds.every((part) => answer.includes(part))
  if (any !== undefined) return any.some((each) => new RegExp(`\\b${each}\\b`, 'i').test(answer))
  if (word !== undefined) return word.includes(answer.toLowerCase().replace(/[^\p{L}\p{N} ]/gu, ''))
  if (words !== undefined) return !answer.includes('\n') && answer.split(/\s+/).length <= words
  if (items !== undefined) {
    const parts = answer.split(',')
    return (
      !answer.includes('\n') &&
      isWithin(parts.length, items) &&
      parts.every((part) => part.trim() !== '' && part.trim().split(/\s+/).length <= 4)
    )
  }
  if (lines === undefined) return undefined
  const all = answer.split('\n').filter((line) => line.trim() !== '')
  const marked = all.filter((line) => /^\s*(\d+[.)]|[-*\u2022])\s/.test(line))
  return isWithin(marked.length > 0 ? marked.length : all.length, lines)
}

function isWithin(count: number, [least, most]: [number, number]): boolean {
  return count >= least && count <= most
}

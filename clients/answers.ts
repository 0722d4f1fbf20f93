// The answers that a program of the cookbook prints are checked here once more, since some clients validate nothing.

/** Whether a value has the keys, and each passes its check. */
function hasShape(value: unknown, shape: Readonly<Record<string, (of: unknown) => boolean>>): boolean {
  if (typeof value !== 'object' || value === null) return false
  const given = value as Record<string, unknown>
  const names = Object.keys(shape)
  return Object.keys(given).length === names.length && names.every((name) => shape[name](given[name]))
}

const within = (least: number, most: number) => (of: unknown) =>
  typeof of === 'number' && Number.isInteger(of) && of >= least && of <= most

const TICKET = {
  team: (of: unknown) => of === 'billing' || of === 'technical' || of === 'sales',
  urgent: (of: unknown) => typeof of === 'boolean',
  summary: (of: unknown) => typeof of === 'string' && Array.from(of).length <= 60,
}
const ALARM = { hour: within(0, 23), minute: within(0, 59) }

/** Whether a value is a decision as the AI SDK gives it. */
function isDecision(value: unknown): boolean {
  const { type, choice } = (value ?? {}) as { type?: unknown; choice?: unknown }
  return type === 'choice' && (choice === 'billing' || choice === 'technical')
}

/**
 * What a program printed: one value that takes all of it, or one a line.
 * @throws Error where that is no ticket, or more than it that is no ticket, alarm or decision.
 */
export function checkAnswers(stdout: string): void {
  const [first, ...more] = valuesOf(stdout.trim())
  if (!hasShape(first, TICKET)) throw new Error(`no ticket: ${JSON.stringify(first)}`)
  for (const value of more)
    if (!hasShape(value, TICKET) && !hasShape(value, ALARM) && !isDecision(value))
      throw new Error(`no ticket, alarm or decision: ${JSON.stringify(value)}`)
}

/**
 * What the conversation printed: its items, in order.
 * @throws Error where these are not two questions and two answers.
 */
function checkConversation(stdout: string): void {
  const items = valuesOf(stdout.trim())
  const isItem = (role: string) => (of: unknown) => hasShape(of, { role: (is) => is === role, text: isText })
  const wanted = ['user', 'assistant', 'user', 'assistant'].map(isItem)
  if (items.length !== wanted.length || !wanted.every((check, at) => check(items[at])))
    throw new Error(`no conversation: ${stdout}`)
}

/**
 * What was printed of several answers and of scores: three texts, then the logarithm of each ending's probability.
 * @throws Error where it is not that, or the sun does not rise.
 */
function checkScores(stdout: string): void {
  const [texts, sums] = valuesOf(stdout.trim())
  if (!Array.isArray(texts) || texts.length !== 3 || !texts.every(isText)) throw new Error('no three texts')
  const isBelowZero = (of: unknown): boolean => typeof of === 'number' && of < 0
  if (!hasShape(sums, { ' rises': isBelowZero, ' barks': isBelowZero, ' melts': isBelowZero }))
    throw new Error(`no scores: ${JSON.stringify(sums)}`)
  const { ' rises': rises, ...others } = sums as Record<string, number>
  if (Object.values(others).some((sum) => sum >= rises)) throw new Error('the sun does not rise')
}

/**
 * What was printed of vectors: how like the first text each of two others is.
 * @throws Error where it is not that, or what means the same is less like it.
 */
function checkLikeness(stdout: string): void {
  const isCosine = (of: unknown): boolean => typeof of === 'number' && Math.abs(of) <= 1 + 1e-5
  const likely = valuesOf(stdout.trim())
  if (likely.length !== 2 || !likely.every((each) => hasShape(each, { text: isText, likeness: isCosine })))
    throw new Error(`no likeness: ${stdout}`)
  const [same, other] = likely as { likeness: number }[]
  if (same.likeness <= other.likeness) throw new Error('another meaning is more alike')
}

/** The check of what a program prints, by what that is. */
export const CHECKS = {
  answers: checkAnswers,
  conversation: checkConversation,
  scores: checkScores,
  likeness: checkLikeness,
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function valuesOf(text: string): unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return text.split('\n').map((line) => JSON.parse(line) as unknown)
  }
}

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

function valuesOf(text: string): unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return text.split('\n').map((line) => JSON.parse(line) as unknown)
  }
}

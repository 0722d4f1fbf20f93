// Model limits are the most ids that a prompt and an answer may have, which follow from window and training.

import type { PromptLimits } from '../answer/prepare-prompt.ts'
import { windowOptions } from '../cache/window.ts'
import type { ModelLimits } from '../protocol/lane-reports.ts'

/** The limits of a model that was trained on `context` positions; `window`: that it sees, undefined for all. */
export function limitsUnder(window: number | undefined, context: number, maxPrompt: number): PromptLimits {
  return window === undefined
    ? { maxPrompt: context, maxPositions: context }
    : { maxPrompt, maxPositions: Infinity }
}

/**
 * The same as configured, for whoever has no lane at hand. A lane whose memory did not suffice for full attention has a
 * window after all, and takes more than this.
 */
export function configuredLimits(
  { context, takesWindow }: { context: number; takesWindow: boolean },
  { windows, sinks, maxPrompt: longest }: { windows: readonly number[]; sinks: number; maxPrompt: number },
): ModelLimits {
  const { window } = windowOptions(takesWindow ? windows : [0], sinks)
  const { maxPrompt, maxPositions } = limitsUnder(window, context, longest)
  const answer = maxPositions - 1
  return {
    trained: context,
    prompt: Math.min(maxPrompt, answer),
    ...(Number.isFinite(answer) && { answer }),
  }
}

// A token run answers a lane's token request in turns with the host, in events of a bounded size.

import { tokenTaskSliced, type TokenAnswer } from '../answer/token-task.ts'
import { inTurns } from '../lib/sliced.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { TokenRequest } from '../protocol/tokens.ts'
import { checkModel } from './follow-turn.ts'
import type { TurnHost } from './turn-host.ts'

/** Most tokens of one request, or a whole prompt where that is more: some 0.1 s of the thread, and megabytes. */
export const MOST_TOKENS = 65_536

/** Ids, and letters, of one event: an event is read as one line. */
const [IDS, LETTERS] = [512, 4096]

/** Events of a token request: `tokens`, the last of them marked. Throws IsletError; to stop, abort the signal. */
export async function* tokens(
  request: TokenRequest,
  host: TurnHost,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent, void> {
  const text = await host.text()
  checkModel(request, text)
  const most = Math.max(MOST_TOKENS, host.limits(text).maxPrompt)
  const work = tokenTaskSliced(request, text, most)
  const answer = await inTurns(work, () => host.clock.wait(0), signal)
  if (answer !== undefined) yield* eventsOf(answer)
}

function* eventsOf({ ids = [], pieces, text = '', count }: TokenAnswer): Generator<GenerationEvent> {
  for (let at = 0; at + IDS < ids.length; at += IDS) yield { type: 'tokens', ...cut(at, at + IDS) }
  for (let at = 0; at + LETTERS < text.length; at += LETTERS)
    yield { type: 'tokens', text: text.slice(at, at + LETTERS) }
  const rest = ids.length === 0 ? {} : cut(ids.length - (ids.length % IDS || IDS))
  const end = text.slice(text.length - (text.length % LETTERS || LETTERS))
  yield { type: 'tokens', ...rest, text: end, ...(count !== undefined && { count }), last: true }

  function cut(from: number, to?: number) {
    return { ids: ids.slice(from, to), ...(pieces !== undefined && { pieces: pieces.slice(from, to) }) }
  }
}

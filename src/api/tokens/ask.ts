// A question of tokens is one lane call, whose pieces are put together here.

import { IsletError } from '../../lib/errors.ts'
import type { TokensEvent } from '../../protocol/generation.ts'
import type { TokenRequest } from '../../protocol/tokens.ts'
import type { ApiContext, ApiDeps } from '../context.ts'
import { awaited } from '../http/awaited.ts'
import { hashText } from '../http/hash-text.ts'
import { openEvents } from '../http/respond.ts'

/** All that a lane said, in one piece. */
export type Tokens = Required<Pick<TokensEvent, 'ids' | 'pieces' | 'text'>> & Pick<TokensEvent, 'count'>

/**
 * What a lane says of a task; undefined when the client has left. A tenant's questions share a key, so that they make no
 * lanes of their own. `places` says how the body calls what errors name.
 * @throws IsletError what the lane says.
 */
export async function askTokens(
  c: ApiContext,
  deps: ApiDeps,
  asked: Pick<TokenRequest, 'model' | 'task' | 'places'>,
  places?: Readonly<Record<string, string>>,
): Promise<Tokens | undefined> {
  const { tenant, requestId } = c.var
  const sessionKey = await hashText(JSON.stringify([tenant, 'tokens']))
  const events = openEvents(c, deps.lanes(c).tokens({ ...asked, requestId, tenant, sessionKey }))
  if (events === undefined) return undefined
  const heard: Tokens = { ids: [], pieces: [], text: '' }
  return awaited(
    events,
    c.req.raw.signal,
    (event) => {
      if (event.type !== 'tokens') return undefined
      for (const id of event.ids ?? []) heard.ids.push(id)
      for (const piece of event.pieces ?? []) heard.pieces.push(piece)
      heard.text += event.text ?? ''
      if (event.count !== undefined) heard.count = event.count
      return event.last === true ? heard : undefined
    },
    places,
  )
}

/** The number of a prompt's tokens; undefined when the client has left. Throws as askTokens does. */
export async function countTokens(
  c: ApiContext,
  deps: ApiDeps,
  model: string,
  {
    prompt,
    places,
  }: Pick<TokenRequest, 'places'> & Pick<Extract<TokenRequest['task'], { kind: 'count' }>, 'prompt'>,
): Promise<number | undefined> {
  const heard = await askTokens(c, deps, { model, task: { kind: 'count', prompt }, places })
  if (heard === undefined) return undefined
  if (heard.count === undefined) throw new IsletError('engine_failure', 'The lane counted nothing')
  return heard.count
}

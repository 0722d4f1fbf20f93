// A response's conversation is what its prompt repeats: the turns before it, and the new input.

import { errorCode, IsletError } from '../../../lib/errors.ts'
import { joinCalls, type ChatMessage } from '../../../protocol/generation.ts'
import type { Written } from '../../../protocol/written.ts'
import type { TurnView } from '../../../protocol/lane-reports.ts'
import type { Asked, Prompted, TurnOf } from '../dialect.ts'
import { answersNothing, callIds } from '../tool-results.ts'
import { callObject } from '../tools.ts'
import { heldIn } from './held.ts'
import { noResponse, RESPONSE_PREFIX, turnOfResponse } from './ids.ts'
import { itemMessages, newItems } from './items.ts'
import type { ResponseReply } from './object.ts'
import { parseResponse, type ResponseOrder } from './schema.ts'
import { keptMessages } from './view.ts'

/**
 * Reads the body of POST /v1/responses.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function askResponse(...body: Parameters<typeof parseResponse>): Asked<ResponseReply> {
  const parsed = parseResponse(...body)
  const { order, previous, reply } = parsed
  return {
    order,
    reply,
    async prompt(turnOf) {
      if (parsed.conversation !== undefined) return promptIn(parsed.conversation, parsed, turnOf)
      const before = previous === undefined ? undefined : await conversationAfter(turnOf, previous)
      checkOutputs(parsed, before?.conversation ?? [])
      const conversation = [...(before?.conversation ?? []), ...parsed.input]
      return {
        prompt: promptOf(parsed, conversation),
        ...(order.store && { conversation }),
        ...(before !== undefined && { session: before.session }),
      }
    },
  }
}

/** What goes on in a conversation: all of its items, then the input as new ones of it. */
async function promptIn(id: string, parsed: ResponseOrder, turnOf: TurnOf): Promise<Prompted<ResponseReply>> {
  const { turn, session, items, held } = await heldIn(turnOf, id, 'conversation')
  checkOutputs(parsed, itemMessages(items))
  const conversation = [...items, ...newItems(parsed.given, `${turn}_${items.length}`)]
  return {
    prompt: promptOf(parsed, itemMessages(conversation)),
    conversation,
    session,
    follows: turn,
    cacheKey: id,
    reply: { held },
  }
}

/** Throws invalid_request for a result of a call that neither the input nor the turns before it have. */
function checkOutputs({ results }: ResponseOrder, before: readonly Written<ChatMessage>[]): void {
  const calls = callIds(before)
  for (const { place, call, isResult } of results) {
    if (!isResult) calls.add(call)
    else if (!calls.has(call)) throw answersNothing(place, call, 'call_id')
  }
}

/** Instructions are the request's own: they stand before a conversation and are no part of it. */
function promptOf({ instructions, tools, variables }: ResponseOrder, conversation: Written<ChatMessage>[]) {
  const system = instructions === undefined ? [] : [{ role: 'system', content: instructions }]
  return {
    kind: 'chat' as const,
    messages: [...system, ...conversation],
    ...(tools.length > 0 && { tools }),
    ...(variables !== undefined && { variables }),
  }
}

/** What a response goes on from: the conversation with its answer, and the session to go on in. */
type Before = { conversation: Written<ChatMessage>[]; session: string | undefined }

/**
 * The conversation at the end of a kept response, the model's answer with its calls included.
 * @throws IsletError with `param: "previous_response_id"`: `not_found`, and `invalid_request` while it is unfinished.
 */
async function conversationAfter(turnOf: TurnOf, id: string): Promise<Before> {
  const param = 'previous_response_id'
  const view = await turnOf(turnOfResponse(id, param)).catch((thrown: unknown) => {
    throw errorCode(thrown) === 'not_found' ? noResponse(id, param) : thrown
  })
  if (view.state !== 'done') {
    const says = `names a response that has no whole answer to go on from: it is ${view.state}`
    throw new IsletError('invalid_request', `${param} ${says}`, { param })
  }
  return { conversation: [...keptMessages(view), answerOf(view)], session: view.session }
}

function answerOf({ turn, events }: TurnView): ChatMessage {
  const texts = events.filter((event) => event.type === 'text')
  const calls = joinCalls(texts.flatMap((event) => event.calls ?? []))
  const reasoning = texts.map((event) => event.reasoning ?? '').join('')
  return {
    role: 'assistant',
    content: texts.map((event) => event.text).join(''),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, index) => callObject(RESPONSE_PREFIX + turn, index, call)),
    }),
  }
}

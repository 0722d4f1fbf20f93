// A response as server-sent events: each typed event is a frame with its name, and there is no [DONE].

import { errorCode } from '../../../lib/errors.ts'
import { renderError } from '../../http/errors.ts'
import type { ResponseReply } from '../reply.ts'
import type { Speaker } from '../../http/sse.ts'
import { responseWriter, type TypedEvent } from './writer.ts'

/** Says the events numbered above `after`. */
export function responseSpeaker(reply: ResponseReply, after = -1): Speaker {
  const writer = responseWriter(reply)
  const unheard = (events: TypedEvent[]): string[] =>
    events.filter((event) => event.sequence_number > after).map(typedFrame)
  return {
    frames: (event) => (event.type === 'error' ? [] : unheard(writer.write(event))),
    failure(thrown, ended) {
      const { error } = renderError(thrown).body
      // Who reads no longer, because another does or the lane is out of reach, has not seen the response fail.
      if (!ended || errorCode(thrown) === 'conflict') return writer.breakOff(error).map(typedFrame)
      return unheard(writer.fail(error))
    },
  }
}

function typedFrame(event: TypedEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

// A speaker words each event of a stream: two dialects of chunks, and the typed events of responses.

import { chatDialect, textDialect, type Dialect } from './dialects/chunks.ts'
import { renderError } from './http/errors.ts'
import type { AnyReply, Reply } from './dialects/reply.ts'
import { responseSpeaker } from './dialects/responses/stream.ts'
import { dataFrame, type Speaker } from './http/sse.ts'

const DONE = 'data: [DONE]\n\n'

export const DIALECTS: Record<Reply['kind'], Dialect> = { chat: chatDialect, text: textDialect }

/** The speaker that words a stream of this reply from its first event on. */
export function speakerOf(reply: AnyReply): Speaker {
  return reply.kind === 'response' ? responseSpeaker(reply) : chunkSpeaker(reply)
}

/** Says nothing of the first `count` frames, which the client has. A failure is always said. */
export function skipping(speaker: Speaker, count: number): Speaker {
  let left = count
  return {
    ...speaker,
    frames(event) {
      const frames = speaker.frames(event)
      const heard = Math.min(left, frames.length)
      left -= heard
      return frames.slice(heard)
    },
  }
}

function chunkSpeaker(reply: Reply): Speaker {
  const toChunks = DIALECTS[reply.kind].chunker(reply)
  return {
    frames(event) {
      const frames = toChunks(event).map(dataFrame)
      // Only what is complete ends with it.
      return event.type === 'finish' ? [...frames, DONE] : frames
    },
    failure: (thrown) => [dataFrame(renderError(thrown).body)],
  }
}

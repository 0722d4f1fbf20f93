// This chat answers in the AI SDK's UI stream, which useChat of its packages for React, Vue and Svelte reads.

import {
  convertToModelMessages,
  createUIMessageStreamResponse,
  safeValidateUIMessages,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from 'ai'
import { workersAI } from 'islet/binding'
import { createWorkersAI } from 'workers-ai-provider'

/** What useChat posts: the id of the chat, and all its messages. */
type Posted = { id?: string; messages?: unknown }

const HOW_TO = 'POST /api/chat {"id": "...", "messages": [{"id", "role", "parts"}, ...]}, as useChat does\n'

async function chat(request: Request, env: Env): Promise<Response> {
  const { id, messages } = await request.json<Posted>()
  const checked = await safeValidateUIMessages<UIMessage>({ messages })
  if (!checked.success) return Response.json({ error: checked.error.message }, { status: 400 })
  const provider = createWorkersAI({ binding: workersAI(env.ISLET) })
  const { stream } = streamText({
    // A chat keeps its session: what was read of it before is not computed again.
    model: provider(env.MODEL, { sessionAffinity: id }),
    system: 'You are helpful, and brief.',
    messages: await convertToModelMessages(checked.data),
    maxOutputTokens: 300,
    abortSignal: request.signal, // the button that stops an answer
  })
  return createUIMessageStreamResponse({
    stream: toUIMessageStream({
      stream,
      onError: (error) => (error instanceof Error ? error.message : 'The model did not answer'),
    }),
  })
}

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    if (request.method === 'POST' && new URL(request.url).pathname === '/api/chat') return chat(request, env)
    return new Response(HOW_TO)
  },
}

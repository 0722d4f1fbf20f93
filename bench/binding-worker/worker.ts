// This Worker passes a request on to Islet: POST /binding through the binding, any other path by fetch.

import type { Binding } from '../../src/binding/binding.ts'

type Env = { ISLET: Binding; HTTP: Fetcher }

export default {
  async fetch(request: Request, { ISLET, HTTP }: Env): Promise<Response> {
    if (new URL(request.url).pathname !== '/binding') return HTTP.fetch(request)
    const { model, ...inputs } = await request.json<{ model: string }>()
    const stream = await ISLET.run(model, inputs)
    return new Response(stream as ReadableStream, { headers: { 'content-type': 'text/event-stream' } })
  },
}

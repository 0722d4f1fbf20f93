// The client gives a service binding to Islet the type and the abort signal of a binding to Workers AI.
// It is published as islet/binding: web APIs alone, and at most 1 KB.

type Options = { signal?: AbortSignal | null; returnRawResponse?: boolean; [name: string]: unknown }
type Run = (model: string, inputs: Record<string, unknown>, options: Options) => Promise<unknown>
type Failed = { error?: { name: string; message: string; internalCode: number } }

const METHODS = ['models', 'toMarkdown', 'gateway', 'websearch', 'aiSearch', 'autorag']

/**
 * The service as `env.AI` is. RPC carries no AbortSignal: it stays here, and an abort cancels the stream of the answer, which a
 * reply that is not streamed is read from too. Its own methods (`chat`, `decide`, ...) are called on the service itself.
 */
export function workersAI(service: object): Ai {
  const target = service as Record<string, (...given: unknown[]) => unknown> & { run: Run }
  async function run(
    model: string,
    inputs: Record<string, unknown>,
    options: Options = {},
  ): Promise<unknown> {
    const { signal, returnRawResponse, ...more } = options
    if (!signal) return target.run(model, inputs, { returnRawResponse, ...more })
    signal.throwIfAborted()
    const { stream } = inputs
    const piped = target
      .run(model, { ...inputs, stream: true }, { ...more, ...(stream ? {} : { form: 'whole' }) })
      .then((body) => (body as ReadableStream).pipeThrough(new TransformStream(), { signal }))
    const body = await Promise.race([
      piped,
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      }),
    ])
    const raw = (given: ReadableStream | string, type: string) =>
      new Response(given, { headers: { 'content-type': type } })
    if (stream) return returnRawResponse ? raw(body, 'text/event-stream') : body
    // Signs of life, then one frame with all of it.
    const text = (await new Response(body).text()).replace(/^[^]*?data: /, '')
    const reply = JSON.parse(text) as Failed
    const { error } = reply
    if (error) throw Object.assign(new Error(error.message), { name: error.name, code: error.internalCode })
    return returnRawResponse ? raw(text, 'application/json') : reply
  }
  const others = METHODS.map((name) => [name, (...given: unknown[]) => target[name](...given)])
  return { aiGatewayLogId: null, run, ...Object.fromEntries(others) } as unknown as Ai
}

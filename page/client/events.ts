// This module reads a response's server-sent events one by one.

export type ServerEvent = { event?: string; data: string; id?: string }

/**
 * The events of a stream until it ends. Throws what reading throws: a TypeError where the connection broke, an AbortError where
 * `signal` fired. Comments go to `onComment`.
 */
export async function* events(
  response: Response,
  signal?: AbortSignal,
  onComment?: (comment: string) => void,
): AsyncGenerator<ServerEvent> {
  if (response.body === null) return
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => undefined)
  signal?.addEventListener('abort', cancel)
  let rest = ''
  let fields: Record<string, string> = {}
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) return
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [, name, text] = /^([^:]*):? ?([^]*)/.exec(line) ?? []
        if (line === '') {
          const { event, data, id } = fields
          fields = {}
          if (data !== undefined) yield { event, data, id }
        } else if (name === '') onComment?.(text)
        else fields[name] = name === 'data' && 'data' in fields ? `${fields['data']}\n${text}` : text
      }
    }
  } finally {
    signal?.removeEventListener('abort', cancel)
    cancel()
  }
}

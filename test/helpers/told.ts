// This helper reads what an answer told its client, the same from a whole reply and from the frames of any stream.

type Json = Record<string, unknown>
type Call = { name: string; arguments: string }

export type Told = {
  text: string
  calls: Call[]
  /** `finish_reason`, or the status of a response. */
  end: string
  /** Tokens with log probabilities. */
  tokens: number
  closedEarly: boolean
  hash: string | undefined
}

type Islet = { logits_sha256?: string; closed_early?: boolean }
type Message = { content?: string | null; tool_calls?: { function: Partial<Call> }[]; function_call?: Partial<Call> } // prettier-ignore
type Choice = {
  message?: Message
  delta?: Message
  text?: string
  finish_reason?: string | null
  logprobs?: { content?: unknown[] | null } | null
}
type Item = { type: string; name?: string; arguments?: string; content?: { text: string }[] }

const nothing = (): Told => ({ text: '', calls: [], end: '', tokens: 0, closedEarly: false, hash: undefined })

function takeChoice(
  told: Told,
  { message, delta = message, text, finish_reason: end, logprobs }: Choice,
): void {
  told.text += text ?? delta?.content ?? ''
  told.tokens += logprobs?.content?.length ?? 0
  told.end = end ?? told.end
  const old = delta?.function_call
  for (const { name, arguments: given = '' } of [
    ...(delta?.tool_calls ?? []).map((each) => each.function),
    ...(old ? [old] : []),
  ]) {
    // prettier-ignore
    if (name !== undefined) told.calls.push({ name, arguments: given })
    else (told.calls.at(-1) as Call).arguments += given
  }
}

function takeIslet(told: Told, islet: Islet | undefined): void {
  told.hash = islet?.logits_sha256 ?? told.hash
  told.closedEarly ||= islet?.closed_early === true
}

function takeItems(told: Told, response: Json): void {
  for (const { type, name = '', arguments: given = '', content = [] } of response['output'] as Item[]) {
    if (type === 'message') told.text += content.map(({ text }) => text).join('')
    if (type === 'function_call') told.calls.push({ name, arguments: given })
  }
}

/** Of a reply that is not streamed. */
export function toldByReply(reply: Json): Told {
  const told = nothing()
  if (reply['object'] === 'response') {
    takeItems(told, reply)
    told.end = String(reply['status'])
  } else for (const choice of reply['choices'] as Choice[]) takeChoice(told, choice)
  takeIslet(told, reply['islet'] as Islet)
  return told
}

/** Of the frames of a stream, or of those behind its beginning: pieces alone count, never what repeats them. */
export function toldByFrames(frames: readonly Json[], told: Told = nothing()): Told {
  for (const frame of frames) {
    const { type } = frame
    if (type === 'response.output_item.added') {
      const { type: kind, name = '' } = frame['item'] as Item
      if (kind === 'function_call') told.calls.push({ name, arguments: '' })
    } else if (type === 'response.output_text.delta') told.text += String(frame['delta'])
    else if (type === 'response.function_call_arguments.delta')
      (told.calls.at(-1) as Call).arguments += String(frame['delta'])
    else if (type === 'response.completed' || type === 'response.incomplete') {
      const response = frame['response'] as Json
      told.end = String(response['status'])
      takeIslet(told, response['islet'] as Islet)
    } else if (frame['error'] !== undefined) throw new Error(JSON.stringify(frame['error']))
    for (const choice of (frame['choices'] ?? []) as Choice[]) takeChoice(told, choice)
    if (type === undefined) takeIslet(told, frame['islet'] as Islet | undefined)
  }
  return told
}

/** The frames of data of a stream, `[DONE]` left out; so many of them, or all. */
export async function framesOf(response: Response, most = Infinity): Promise<Json[]> {
  if (!response.ok || response.body === null)
    throw new Error(`status ${response.status}: ${await response.text()}`)
  const frames: Json[] = []
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of response.body as ReadableStream<Uint8Array>) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data === undefined || data === '[DONE]') continue
      frames.push(JSON.parse(data) as Json)
      if (frames.length === most) return frames
    }
  }
  return frames
}

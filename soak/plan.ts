// The plan makes what clients ask: seeded choices, sessions that grow by turns, each turn's undisturbed twin.

/** Choices of one turn. The same seed and turn choose the same on every machine. */
export type Choices = {
  below(limit: number): number
  /** True so often. */
  chance(probability: number): boolean
  one<T>(items: readonly T[]): T
}

export function choices(seed: number, turn: number): Choices {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(turn + 1, 0x85ebca6b)) >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(uniform() * limit)
  return {
    below,
    chance: (probability) => uniform() < probability,
    one: (items) => items[below(items.length)],
  }
}

export type Message = { role: 'user' | 'assistant'; content: string }
export type Style = 'chat' | 'text' | 'response'

/** A client's conversation, and what it knows of the server's side. */
export type Conversation = {
  readonly number: number
  /** Of the tenant that asks for most: longer answers, and as many clients as all others have. */
  readonly isHeavy: boolean
  tenant: string
  style: Style
  messages: Message[]
  /** Of a text completion: all of it until now. */
  text: string
  /** The key that the client sends; without, the opening is the key. */
  cacheKey?: string
  session?: string
  /** The response to go on from. */
  previous?: string
  turns: number
}

/** Turns of a conversation before it is given up: within the tiny model's 512 positions. */
const MOST_TURNS = 5
const MOST_HEAVY_TURNS = 2

/** A heavy tenant's answers are so many times as long. */
const HEAVY = 4

const WORDS =
  'river stone winter letter garden quiet morning machine small island forest tide lamp bridge story bread wind paper clock road'.split(
    ' ',
  )

function sentence(choose: Choices): string {
  return Array.from({ length: 3 + choose.below(10) }, () => choose.one(WORDS)).join(' ')
}

export function newConversation(
  number: number,
  tenant: string,
  choose: Choices,
  isHeavy = false,
): Conversation {
  const style = choose.one(['chat', 'chat', 'text', 'response'] as const)
  const cacheKey = choose.chance(0.5) ? `soak-${tenant}-${number}` : undefined
  return { number, tenant, isHeavy, style, messages: [], text: '', cacheKey, turns: 0 }
}

export function isOver({ turns, isHeavy }: Conversation): boolean {
  return turns >= (isHeavy ? MOST_HEAVY_TURNS : MOST_TURNS)
}

/** How the ids of an answer are chosen. */
function samplingOf(choose: Choices): Record<string, number> {
  const kind = choose.below(4)
  if (kind === 0) return { temperature: 0 }
  const sampled = { temperature: 0.7 + choose.below(6) / 10, top_p: 0.95, seed: choose.below(2 ** 31) }
  if (kind === 1) return sampled
  const penalties = { presence_penalty: 0.6, frequency_penalty: 0.4, repetition_penalty: 1.1 }
  return kind === 2 ? { ...sampled, ...penalties } : { ...sampled, ...penalties, top_k: 40, min_p: 0.02 }
}

/** One turn as it is asked, and as it would be asked by somebody whom nothing disturbs. */
export type Turn = {
  path: string
  body: string
  stream: boolean
  background: boolean
  /** Sampled with penalties, which depend on all ids before. */
  isPenalised: boolean
  headers: Record<string, string>
  twin: { path: string; body: string }
  /** What the user says. */
  said: string
}

export const HASHED = { 'x-islet-hash-logits': '1' }

export function nextTurn(model: string, conversation: Conversation, choose: Choices): Turn {
  const { number, style, messages, text, cacheKey, previous } = conversation
  const said = `${conversation.turns === 0 ? `${number}: ` : ' '}${sentence(choose)}`
  const stream = choose.chance(0.6)
  const background = style === 'response' && choose.chance(0.2)
  const chosen = samplingOf(choose)
  const { isHeavy } = conversation
  const sampling = { model, ...chosen, ...((isHeavy || choose.chance(0.5)) && { ignore_eos: true }) }
  const most = (4 + choose.below(36)) * (isHeavy ? HEAVY : 1)
  const user = { role: 'user' as const, content: said }
  const key = cacheKey !== undefined && { prompt_cache_key: cacheKey }
  const headers = choose.chance(0.25) ? HASHED : {}
  const common = { stream, headers, said, isPenalised: 'presence_penalty' in chosen }
  if (style === 'text') {
    const asked = { ...sampling, prompt: text + said, max_tokens: most }
    return {
      ...common,
      path: '/v1/completions',
      body: JSON.stringify({ ...asked, ...key, stream }),
      background,
      twin: { path: '/v1/completions', body: JSON.stringify({ ...asked, store: false }) },
    }
  }
  const asked = { ...sampling, messages: [...messages, user], max_tokens: most }
  const twin = { path: '/v1/chat/completions', body: JSON.stringify({ ...asked, store: false }) }
  if (style === 'chat')
    return {
      ...common,
      path: twin.path,
      body: JSON.stringify({ ...asked, ...key, stream }),
      background,
      twin,
    }
  // With a previous response the server knows what was said; without, the client brings it.
  const input = previous === undefined ? [...messages, user] : [user]
  const response = {
    ...sampling,
    input,
    max_output_tokens: most,
    ...(previous !== undefined && { previous_response_id: previous }),
    ...(background && { background }),
    ...key,
    stream,
  }
  return { ...common, path: '/v1/responses', body: JSON.stringify(response), background, twin }
}

/** The conversation after an answer. */
export function follow(
  conversation: Conversation,
  { said }: Turn,
  answer: { text: string; session?: string; response?: string },
): void {
  conversation.text += said + answer.text
  conversation.messages.push({ role: 'user', content: said }, { role: 'assistant', content: answer.text })
  conversation.session = answer.session ?? conversation.session
  conversation.previous = answer.response
  conversation.turns += 1
}

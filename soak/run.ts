// A soak run drives clients: each asks a conversation's next turn, checks it, and tries what others own.

import { setTimeout as sleep } from 'node:timers/promises'
import { call, hear, nothingHeard, type Ask, type Heard } from './client.ts'
import type { Counts } from './counts.ts'
import {
  choices,
  follow,
  HASHED,
  isOver,
  newConversation,
  nextTurn,
  type Choices,
  type Conversation,
  type Turn,
} from './plan.ts'
import { obtain, reason } from './turn.ts'
import type { SoakTarget } from './worker.ts'

const WAIT_MS = 150

/** An answer that nobody disturbed takes no longer, whatever others ask. */
const STARVED_MS = 60_000

/** Attempts at a call that is no turn: kills and full lanes come between. */
const MOST_CALLS = 200

export type SoakSettings = {
  model: string
  seed: number
  /** Conversations at a time. */
  sessions: number
  /** The first asks for most; the others share what is left of the clients. */
  tenants: readonly string[]
  /** Who asks the undisturbed requests; without, each is of a tenant of its own. */
  twin?: string
  /** One in so many undisturbed answers is compared; disturbed ones always are. */
  checkOneIn: number
}

export class SoakRun {
  readonly counts: Counts
  readonly #target: SoakTarget
  readonly #settings: SoakSettings
  readonly #idle: Conversation[] = []
  #turns = 0
  #numbers = 0
  #twins = 0

  constructor(target: SoakTarget, settings: SoakSettings, counts: Counts) {
    this.#target = target
    this.#settings = settings
    this.counts = counts
    const choose = choices(settings.seed, -1)
    for (let i = 0; i < settings.sessions; i++) this.#idle.push(this.#fresh(choose, i % 2 === 0))
  }

  get turns(): number {
    return this.#turns
  }

  /** One turn of a conversation that nobody else is at, if there is one of the tenant that asks for most, or else of the others. */
  async turn(isHeavy = false): Promise<void> {
    const { seed, model, checkOneIn } = this.#settings
    const choose = choices(seed, this.#turns++)
    const conversation = this.#take(choose, isHeavy)
    const fresh = (): Conversation => this.#fresh(choose, conversation.isHeavy)
    let next = conversation
    const began = Date.now()
    try {
      const turn = nextTurn(model, conversation, choose)
      this.counts.add('asked')
      const answer = await obtain(this.#target, this.counts, turn, conversation.tenant, choose)
      if (typeof answer === 'string') {
        // What the server has of it now is not what the client knows: it begins another, or says something else.
        if (answer === 'lost' || choose.chance(0.5)) next = fresh()
        return
      }
      this.counts.add('answered')
      this.counts.add(conversation.isHeavy ? 'heavy' : 'light')
      const ms = Date.now() - began
      if (!answer.disturbed && !turn.background && ms > STARVED_MS)
        this.counts.blame('starved', `${turn.path} of ${conversation.tenant} took ${ms} ms`)
      if (turn.background) this.counts.add('background')
      if (answer.disturbed || choose.below(checkOneIn) === 0) await this.#check(turn, answer.heard)
      follow(conversation, turn, answer.heard)
      if (choose.chance(0.1)) await this.#probe(conversation, choose)
      if (choose.chance(0.05) && conversation.session !== undefined) await this.#fork(conversation)
      if (isOver(conversation) || choose.chance(0.05)) {
        next = fresh()
        if (choose.chance(0.4)) await this.#remove(conversation, choose)
      }
    } catch (error) {
      this.counts.blame('broken', `turn ${this.#turns}: ${reason(error)}`)
      next = fresh()
    } finally {
      this.#idle.push(next)
    }
  }

  /** Asks nothing for so long that the object is evicted; the next one counts its rows from 0. */
  async rest(ms: number): Promise<void> {
    const written = async (): Promise<number> => {
      const { body } = await this.#call({ path: '/health', key: '' })
      return (body['storage'] as { rowsWritten: number }).rowsWritten
    }
    const before = await written()
    await sleep(ms)
    if ((await written()) < before) this.counts.add('evicted')
  }

  /** After all turns: nothing runs or waits, and what each tenant deletes is gone. */
  async end(): Promise<void> {
    for (const key of this.#settings.tenants) {
      await this.#expect({ path: '/v1/sessions', key }, (body) => Array.isArray(body['data']))
      await this.#expect(
        { path: '/v1/sessions', method: 'DELETE', key },
        (body) => Number(body['deleted']) > 0,
      )
      await this.#expect({ path: '/v1/sessions', key }, (body) => (body['data'] as []).length === 0)
    }
    await this.#expect({ path: '/health', key: '' }, (body) => body['running'] === 0 && body['waiting'] === 0)
  }

  #fresh(choose: Choices, isHeavy: boolean): Conversation {
    const [heavy, ...others] = this.#settings.tenants
    const other = choose.one(others)
    return newConversation(this.#numbers++, isHeavy ? heavy : other, choose, isHeavy)
  }

  #take(choose: Choices, isHeavy: boolean): Conversation {
    const fitting = this.#idle.filter((conversation) => conversation.isHeavy === isHeavy)
    const taken = choose.one(fitting.length > 0 ? fitting : this.#idle)
    this.#idle.splice(this.#idle.indexOf(taken), 1)
    return taken
  }

  /** The same request of a tenant that nobody knows, kept nowhere. */
  async #check(turn: Turn, answer: Heard): Promise<void> {
    const key = this.#settings.twin ?? `twin-${this.#twins++}`
    const twin = await this.#patiently(async () => {
      const heard = nothingHeard()
      await hear(this.#target.url, { ...turn.twin, key, headers: HASHED }, heard)
      return heard
    })
    this.counts.add('checked')
    const told = { text: answer.text, finish: answer.finish, hash: answer.hash ?? twin.hash }
    const wanted = { text: twin.text, finish: twin.finish, hash: twin.hash }
    if (answer.hash !== undefined) this.counts.add('hashes')
    if (turn.isPenalised) this.counts.add('penalised')
    if (JSON.stringify(told) === JSON.stringify(wanted)) return
    this.counts.blame(
      'wrong',
      `${turn.path} gave ${JSON.stringify(told)}, undisturbed ${JSON.stringify(wanted)}; it was ${turn.body}`,
    )
  }

  /** Another tenant tries all that there is with these ids. */
  async #probe({ tenant, session, previous, style }: Conversation, choose: Choices): Promise<void> {
    const others = this.#settings.tenants.filter((other) => other !== tenant)
    const key = choose.one(others)
    const probes: Omit<Ask, 'key'>[] = []
    if (session !== undefined) {
      const path = `/v1/sessions/${session}`
      const chat = {
        model: this.#settings.model,
        messages: [{ role: 'user', content: 'Whose?' }],
        max_tokens: 2,
      }
      probes.push({ path }, { path: `${path}/stream` }, { path, method: 'DELETE' })
      probes.push({ path: `${path}/fork`, method: 'POST' })
      probes.push({
        path: '/v1/chat/completions',
        body: JSON.stringify({ ...chat, prompt_cache_key: session }),
      })
    }
    if (style === 'response' && previous !== undefined) {
      const path = `/v1/responses/${previous}`
      const body = { model: this.#settings.model, input: 'Whose?', previous_response_id: previous }
      probes.push({ path }, { path: `${path}?stream=true` }, { path, method: 'DELETE' })
      probes.push({ path: `${path}/cancel`, method: 'POST' }, { path: `${path}/input_items` })
      probes.push({ path: '/v1/responses', body: JSON.stringify({ ...body, max_output_tokens: 2 }) })
    }
    if (probes.length === 0) return
    this.counts.add('probes')
    await this.#expectGone({ ...choose.one(probes), key }, 'of another tenant')
  }

  /** The copy answers as its source would have; then both are gone on with apart. */
  async #fork({ tenant: key, session, style, messages }: Conversation): Promise<void> {
    const path = `/v1/sessions/${session}/fork`
    const { status, body } = await this.#call({ path, method: 'POST', key })
    if (status !== 201) return this.counts.blame('wrong', `${path}: ${status} ${JSON.stringify(body)}`)
    this.counts.add('forks')
    if (style !== 'chat') return
    const { model } = this.#settings
    const asked = {
      model,
      messages: [...messages, { role: 'user', content: 'And then?' }],
      temperature: 0,
      max_tokens: 8,
    }
    const fork = { ...asked, prompt_cache_key: String(body['id']) }
    const ask = { path: '/v1/chat/completions', body: JSON.stringify(fork), key, headers: HASHED }
    const heard = await this.#patiently(async () => {
      const whole = nothingHeard()
      await hear(this.#target.url, ask, whole)
      return whole
    })
    if (heard.session !== body['id'])
      this.counts.blame('wrong', `the fork ${String(body['id'])} was answered in ${heard.session}`)
    const twin = { path: ask.path, body: JSON.stringify({ ...asked, store: false }) }
    await this.#check({ ...ask, twin, stream: false, background: false, isPenalised: false, said: '' }, heard)
  }

  async #remove({ tenant: key, session, previous, style }: Conversation, choose: Choices): Promise<void> {
    const response = style === 'response' && previous !== undefined && choose.chance(0.5)
    const path = response ? `/v1/responses/${previous}` : `/v1/sessions/${session}`
    if (!response && session === undefined) return
    const { life } = this.#target
    const { status, body } = await this.#call({ path, method: 'DELETE', key })
    // A kill between the deletion and its answer: asked again, it is gone.
    const deleted = status === 200 || (status === 404 && life !== this.#target.life)
    if (!deleted) return this.counts.blame('wrong', `DELETE ${path}: ${status} ${JSON.stringify(body)}`)
    this.counts.add('deleted')
    await this.#expectGone({ path, key }, 'after its deletion')
  }

  async #expectGone(ask: Ask, why: string): Promise<void> {
    const { status, body } = await this.#call(ask)
    if (status === 404) return
    this.counts.blame(
      'wrong',
      `${ask.method ?? ''} ${ask.path} ${why}: ${status} ${JSON.stringify(body).slice(0, 300)}`,
    )
  }

  async #expect(ask: Ask, holds: (body: Record<string, unknown>) => boolean): Promise<void> {
    const { status, body } = await this.#call(ask)
    if (status === 200 && holds(body)) return
    const said = JSON.stringify(body).slice(0, 300)
    this.counts.blame('wrong', `at the end ${ask.method ?? 'GET'} ${ask.path}: ${status} ${said}`)
  }

  async #call(ask: Ask): ReturnType<typeof call> {
    return this.#patiently(async () => {
      const answer = await call(this.#target.url, ask)
      if (answer.status === 429 || answer.status === 409) throw new Error(JSON.stringify(answer.body))
      return answer
    })
  }

  /** Once the worker is up, and again after kills, and while the lane is full or another reads. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      await this.#target.up()
      const { life } = this.#target
      try {
        return await work()
      } catch (error) {
        const full = /overloaded|conflict/.test(reason(error))
        if (tries === MOST_CALLS || (life === this.#target.life && !full)) throw error
        if (full) await sleep(WAIT_MS)
      }
    }
  }
}

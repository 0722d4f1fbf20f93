// Lane calls are the RPC methods of a lane's object: one list types object, stub, client and fakes.

import type { ConversationEntry } from './conversations.ts'
import type { GenerateRequest, GenerationEvent } from './generation.ts'
import type { SessionMemory } from './memory.ts'
import type { EmbedRequest, ScoreRequest } from './scores.ts'
import type { TokenRequest } from './tokens.ts'
import type { LaneHealth, LaneMetrics, SessionPage, SessionView, TurnView } from './lane-reports.ts'

/** What a call by id gives: errors as values, since those that RPC throws lose their code. */
export type Outcome<T> = { value: T } | { error: GenerationEvent & { type: 'error' } }

/** Streams are events as lines (wire.ts). `lane` is what ids carry of the object's name. */
type LaneCalls = {
  generate(request: GenerateRequest, lane: string): ReadableStream<Uint8Array>
  resume(tenant: string, id: string): ReadableStream<Uint8Array>
  score(request: ScoreRequest | EmbedRequest): ReadableStream<Uint8Array>
  tokens(request: TokenRequest): ReadableStream<Uint8Array>
  sessions(tenant: string, page: SessionPage): SessionView[]
  session(tenant: string, id: string): Outcome<SessionView>
  memory(tenant: string, id: string): Outcome<SessionMemory>
  /** A new session that begins as this one stands now. Error `conflict` while it runs. */
  fork(tenant: string, id: string): Outcome<SessionView>
  /** Ends and deletes a session with its turns, kept ones too, and its pages. */
  remove(tenant: string, id: string): Outcome<null>
  /** Deletes everything of a tenant; gives the number of sessions. The client asks every lane, and adds up. */
  removeAll(tenant: string): number
  /** A kept turn, or a conversation's last whole one by the conversation's id. */
  turn(tenant: string, id: string): Outcome<TurnView>
  /** Writes what a conversation holds, and gives its session. Error `conflict` where it is not as its client knows it. */
  keepConversation(entry: ConversationEntry, lane: string): Outcome<string>
  removeTurn(tenant: string, id: string): Outcome<null>
  /** Ends a turn that runs or waits; one that has ended stays as it is. */
  cancelTurn(tenant: string, id: string): Outcome<TurnView>
  /** Asking begins the load when the lane is cold. The client asks the lane that would serve next. */
  health(): LaneHealth
  /** The client asks every lane. */
  metrics(): LaneMetrics
  memoryReset(): void
}

export type CallName = keyof LaneCalls

/** A lane's object: its methods may answer at once or later. */
export type LaneMethods = {
  [N in CallName]: (
    ...args: Parameters<LaneCalls[N]>
  ) => ReturnType<LaneCalls[N]> | Promise<ReturnType<LaneCalls[N]>>
}

/** The same object as the router calls it. */
export type LaneStub = {
  [N in CallName]: (...args: Parameters<LaneCalls[N]>) => Promise<ReturnType<LaneCalls[N]>>
}

/** Calls that the client passes on as they are: streams, and the list of all lanes' sessions, have another shape there. */
type PassedOn = Exclude<
  CallName,
  'generate' | 'resume' | 'score' | 'tokens' | 'sessions' | 'metrics' | 'keepConversation' | 'memoryReset'
>

/** What a call gives to whoever asks the client, which throws the errors. */
type AnswerOf<T> = T extends { value: infer V } ? (V extends null ? void : V) : Exclude<T, { error: unknown }>

/** The client's part of the calls. */
export type LaneAnswers = {
  [N in PassedOn]: (...args: Parameters<LaneCalls[N]>) => Promise<AnswerOf<ReturnType<LaneCalls[N]>>>
}

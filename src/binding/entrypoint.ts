// The entrypoint is the class that another Worker binds as a service: each method is one of RPC.

import { WorkerEntrypoint } from 'cloudflare:workers'
import type { HonoBase } from 'hono/hono-base'
import type { ApiEnv } from '../api/context.ts'
import { Binding } from './binding.ts'
import type { Props } from './types.ts'

type Calls<N extends keyof Binding> = Parameters<Binding[N]>

export class BindingEntrypoint<Env> extends WorkerEntrypoint<Env, Props> {
  readonly #binding: Binding

  constructor(ctx: ExecutionContext<Props>, env: Env, app: HonoBase<ApiEnv>) {
    super(ctx, env)
    this.#binding = new Binding(app, ctx.props)
  }

  run(...call: Calls<'run'>): ReturnType<Binding['run']> {
    return this.#binding.run(...call)
  }

  chat(...call: Calls<'chat'>): ReturnType<Binding['chat']> {
    return this.#binding.chat(...call)
  }

  stream(...call: Calls<'stream'>): ReturnType<Binding['stream']> {
    return this.#binding.stream(...call)
  }

  extract(...call: Calls<'extract'>): ReturnType<Binding['extract']> {
    return this.#binding.extract(...call)
  }

  decide(...call: Calls<'decide'>): ReturnType<Binding['decide']> {
    return this.#binding.decide(...call)
  }

  sessions(...call: Calls<'sessions'>): ReturnType<Binding['sessions']> {
    return this.#binding.sessions(...call)
  }

  session(...call: Calls<'session'>): ReturnType<Binding['session']> {
    return this.#binding.session(...call)
  }

  fork(...call: Calls<'fork'>): ReturnType<Binding['fork']> {
    return this.#binding.fork(...call)
  }

  remove(...call: Calls<'remove'>): ReturnType<Binding['remove']> {
    return this.#binding.remove(...call)
  }

  models(...call: Calls<'models'>): ReturnType<Binding['models']> {
    return this.#binding.models(...call)
  }

  gateway(): never {
    return this.#binding.absent('gateway')
  }

  toMarkdown(): never {
    return this.#binding.absent('toMarkdown')
  }

  websearch(): never {
    return this.#binding.absent('websearch')
  }

  aiSearch(): never {
    return this.#binding.absent('aiSearch')
  }

  autorag(): never {
    return this.#binding.absent('autorag')
  }

  get aiGatewayLogId(): null {
    return null
  }
}

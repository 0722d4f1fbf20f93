// Whole equals streamed: what a stream adds up to is the reply that was asked for whole, in every field.

import { describe, expect, it } from 'vitest'
import { finish, HELLO, SESSION, start, text } from '../../api/helpers.ts'
import { DIALECTS } from './dialects.ts'
import { expected, SCRIPTS, usageOf } from './scripts.ts'
import { keeping, post, serve, streamOf, wholeOf } from './serve.ts'
import { parseWire, rawOf } from './wire.ts'

describe.each(DIALECTS)('$name', (dialect) => {
  for (const script of SCRIPTS) {
    it.each([true, false])(`whole equals streamed: ${script.name} (stored: %s)`, async (store) => {
      const ask = { ...script.ask, store, usage: true }
      // Two apps, so that both are the first request of theirs: with the same id at the same time.
      const whole = await wholeOf(serve(keeping(script.steps)).send, dialect, ask)
      const { frames, headers } = await streamOf(serve(keeping(script.steps)).send, dialect, ask)
      expect(dialect.assembled(frames)).toEqual(whole)
      expect(whole).toMatchObject(expected(dialect, script))
      expect(whole.usage && dialect.counts(whole.usage)).toEqual(usageOf(script))
      expect(whole.islet['session']).toBe(store ? SESSION : undefined)
      expect(headers.get('x-islet-session')).toBe(store ? SESSION : null)
    })

    const { offsets } = script
    if (offsets !== undefined && dialect.says.logprobs) {
      it(`tokens point into the text that is returned: ${script.name}`, async () => {
        const whole = await wholeOf(serve(keeping(script.steps)).send, dialect, script.ask ?? {})
        const { frames } = await streamOf(serve(keeping(script.steps)).send, dialect, script.ask)
        for (const { logprobs } of [whole, dialect.assembled(frames)]) {
          const told = (logprobs ?? []).flatMap((entry) => ('offset' in entry ? [entry['offset']] : []))
          // Chat has entries without a place.
          if (dialect.name !== 'chat completions') expect(told).toEqual(offsets)
        }
      })
    }

    const { stored } = dialect
    if (stored !== undefined) {
      it(`whole equals what is stored: ${script.name}`, async () => {
        const { send } = serve(keeping(script.steps))
        const whole = await wholeOf(send, dialect, script.ask ?? {})
        expect(dialect.whole(await (await send(stored(whole.id))).json())).toEqual(whole)
      })
    }

    it(`one identity, one ending: ${script.name}`, async () => {
      const { frames } = await streamOf(serve(keeping(script.steps)).send, dialect, script.ask)
      const identities = frames.flatMap((frame) => dialect.identity(frame) ?? [])
      expect(identities.length).toBeGreaterThan(0)
      for (const identity of identities) expect(identity).toEqual(identities[0])
      expect(frames.map((frame) => dialect.isLast(frame))).toEqual(
        frames.map((_, i) => i === frames.length - 1),
      )
      expect(frames.flatMap((frame) => dialect.frameFailure(frame) ?? [])).toEqual([])
    })

    it(`usage once, at the end, where it is asked for: ${script.name}`, async () => {
      for (const usage of [true, false]) {
        const { frames } = await streamOf(serve(keeping(script.steps)).send, dialect, {
          ...script.ask,
          usage,
        })
        const said = frames.map((frame) => dialect.usageIn(frame))
        const wanted = usage || dialect.usage === 'always'
        const full = said.flatMap((each) => each ?? [])
        expect(full.map((each) => dialect.counts(each))).toEqual(wanted ? [usageOf(script)] : [])
        if (!wanted) expect(said.every((each) => each === undefined)).toBe(true)
        const behind = wanted ? frames.slice(said.findIndex((each) => each != null) + 1) : []
        expect(behind.every((frame) => dialect.isLast(frame))).toBe(true)
      }
    })
  }

  it('is an event stream that may be cut anywhere', async () => {
    const steps = [start, ...['北京', ' 🌍', '\n\ndata: [DONE]\n\n', ':\n\n'].map(text), finish]
    const wire = await streamOf(serve(keeping(steps)).send, dialect)
    expect(wire.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(wire.headers.get('cache-control')).toBe('no-cache')
    expect(parseWire([...wire.text]).frames).toEqual(wire.frames)
    for (const raw of rawOf(wire.frames)) expect(raw).toMatch(/^(event: [^\n]+\n)?data: [^\n]+$/)
  })

  it('has the request id in every reply, and the session in the header of a stored one', async () => {
    for (const stream of [false, true]) {
      const response = await post(serve(keeping(HELLO)).send, dialect, { stream })
      expect(response.headers.get('x-request-id')).toBe('id1')
      expect(response.headers.get('x-islet-session')).toBe(SESSION)
      await response.text()
    }
  })
})

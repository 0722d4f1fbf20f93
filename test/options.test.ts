// Options in the place of variables: the same table, bindings by any name, and complaints that name the option.

import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { optionOf, readConfig, type Options } from '../src/env.ts'
import { once, setupOf, type IsletOptions } from '../src/options.ts'
import { ROOT } from '../tools/root.ts'

const wrong = (options: object): Options => options as Options

describe('options', () => {
  test('say what variables say', () => {
    const options = { model: 'tiny', window: [256, 1024], regions: ['weur', 'enam'] } as const
    const variables = { MODEL: 'tiny', WINDOW: '256,1024', REGIONS: 'weur,enam' }
    expect(readConfig({}, options)).toEqual(readConfig(variables))
    expect(readConfig({}, { window: 512, lanes: 'session', modelAliases: ['a', 'b'] })).toMatchObject({
      lane: { windows: [512] },
      lanes: 'session',
      aliases: ['a', 'b'],
    })
    expect(readConfig({}, { regions: [], apiKeys: undefined })).toEqual(readConfig({}))
  })

  test('go before variables', () => {
    expect(readConfig({ MODEL: 'tiny', SINKS: '8' }, { sinks: 2 }).lane).toMatchObject({
      model: 'tiny',
      sinks: 2,
    })
  })

  test.each<[object, string]>([
    [{ windows: 512 }, 'there is no option windows: there are model, window, sinks, chunk, maxPrompt,'],
    [{ MODEL: 'tiny' }, 'there is no option MODEL'],
    [{ chunk: 30 }, 'option chunk is 30: must be a multiple of 4'],
    [{ maxPrompt: 0 }, 'option maxPrompt is 0: must be a whole number from 1 to'],
    [{ window: [256, 0] }, 'option window is "256,0": must be a whole number'],
    [{ regions: ['mars'] }, 'option regions is "mars": must be regions'],
    [{ model: '../secret' }, 'option model is "../secret": must be the name of a folder'],
    [{ recommendedSampling: false }, 'option recommendedSampling is false: must be on or off'],
  ])('%j is refused in words', (options, message) => {
    expect(() => readConfig({}, wrong(options))).toThrow(message)
  })

  test('a variable that is wrong is named as one, beside options', () => {
    expect(() => readConfig({ CHUNK: 'many' }, { model: 'tiny' })).toThrow('variable CHUNK is "many"')
  })

  test('stand in docs/deploying.md beside their variables', () => {
    const rows = [
      ...readFileSync(`${ROOT}docs/deploying.md`, 'utf8').matchAll(
        /^\| `([A-Z_]+)` \| [^|]* \| `(\w+)` \|/gm,
      ),
    ]
    expect(rows.length).toBeGreaterThan(15)
    for (const [, variable, option] of rows) expect(option).toBe(optionOf(variable))
  })
})

describe('a setup', () => {
  const bindings = { MINE: { getByName: () => ({}) }, FILES: { fetch: () => undefined } }

  test('finds bindings by the names that are given, and the usual two', () => {
    const setup = setupOf<object, IsletOptions>({ bindings: { lane: 'MINE' } })({ ...bindings, ASSETS: 1 })
    expect(setup.bound('lane')).toBe(bindings.MINE)
    expect(setup.bound('assets')).toBe(1)
    expect([setup.bound('analytics'), setup.bound('rateLimiter')]).toEqual([undefined, undefined])
  })

  test('says which binding is not there, when it is needed', () => {
    const { bound } = setupOf({ bindings: { rateLimiter: 'SHIELD' } })({})
    expect(() => bound('lane')).toThrow('there is no binding LANE: name yours by the option bindings.lane')
    expect(() => bound('rateLimiter')).toThrow('there is no binding SHIELD')
  })

  test('refuses a wrong option at once, and of a function at the first request', () => {
    expect(() => setupOf({ chunk: 30 })).toThrow('option chunk')
    const late = setupOf((env: { CHUNK: number }) => ({ chunk: env.CHUNK }))
    expect(() => late({ CHUNK: 30 })).toThrow('option chunk')
  })

  test('reads the environment once, and only where options are made of it', () => {
    const given = vi.fn((env: { KEYS: string }) => ({ apiKeys: env.KEYS }))
    const setup = setupOf(given)
    expect(given).not.toHaveBeenCalled()
    const first = setup({ KEYS: 'a' })
    expect(setup({ KEYS: 'b' })).toBe(first)
    expect(given).toHaveBeenCalledTimes(1)
    const watched = new Proxy({} as { MODEL: string }, {
      get(_, name) {
        throw new Error(`${String(name)} was read`)
      },
    })
    expect(setupOf({ model: 'tiny' })(watched).config.lane.model).toBe('tiny')
  })

  test('reads variables where that is asked for', () => {
    const { config } = setupOf((env: object) => ({ variables: env, sinks: 2 }))({ MODEL: 'tiny', SINKS: '9' })
    expect(config.lane).toMatchObject({ model: 'tiny', sinks: 2 })
    expect(setupOf({})({ MODEL: 'tiny' }).config.lane.model).toBe('smollm2-135m-instruct')
  })
})

test('once keeps what was made, and makes what failed again', () => {
  let tries = 0
  const make = vi.fn((given: number) => {
    if (++tries === 1) throw new Error('not yet')
    return { given }
  })
  const kept = once(make)
  expect(() => kept(1)).toThrow('not yet')
  expect([kept(2), kept(3)]).toEqual([{ given: 2 }, { given: 2 }])
  expect(make).toHaveBeenCalledTimes(2)
})

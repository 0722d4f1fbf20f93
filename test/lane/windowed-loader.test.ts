// The windows of a lane: as configured, halved where memory does not suffice, kept so, and told; and what may fail.

import { describe, expect, test } from 'vitest'
import type { WindowOptions } from '../../src/cache/window.ts'
import { WindowedLoader, type WindowedLoaderParts } from '../../src/lane/windowed-loader.ts'
import { Windows } from '../../src/lane/windows.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import type { StoredWindow, WindowStore } from '../../src/storage/window-store.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { MOCK_SPEC, MockModel } from '../helpers/mock-model.ts'

const CONTEXT = MOCK_SPEC.context
/** Of a model that takes no window. */
const PREFIXED: ModelSpec = { ...MOCK_SPEC, prefix: { start: 1, mask: 2 } as unknown as ModelSpec['prefix'] }
const textOf = (spec: ModelSpec = MOCK_SPEC) => ({
  manifest: { ...mockManifest(), spec },
  tokenizer: byteTokenizer(),
})
const isOf = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error

function storeOf(stored?: StoredWindow): WindowStore & { writes: StoredWindow[] } {
  const writes: StoredWindow[] = []
  return {
    writes,
    read: () => writes.at(-1) ?? stored,
    write: (value) => void writes.push(value),
  }
}

describe('windows', () => {
  const stored = { configured: '512', windows: [256], note: 'less' }

  test('are those that a lane fell back to, as long as the setting is the same', () => {
    const fallen = new Windows([512], 4, storeOf(stored))
    expect([fallen.list, fallen.options, fallen.note]).toEqual([[256], { window: 256, sinks: 4 }, 'less'])
    expect(new Windows([1024], 4, storeOf(stored)).list).toEqual([1024])
    expect(new Windows([512, 64], 4, storeOf({ ...stored, configured: '512,64' })).list).toEqual([256])
    const fresh = new Windows([512, 64], 4, storeOf())
    expect([fresh.note, fresh.options]).toEqual([undefined, { window: 512, sinks: 4, byDepth: [512, 64] }])
  })

  test('are none for a model that takes none', () => {
    const windows = new Windows([512], 4, storeOf())
    expect(windows.optionsFor(MOCK_SPEC)).toEqual({ window: 512, sinks: 4 })
    expect(windows.optionsFor(PREFIXED)).toEqual({ window: undefined, sinks: 0 })
  })

  test('are halved again and again, and say what they replace', () => {
    const store = storeOf()
    const windows = new Windows([1024, 400], 4, store)
    expect(windows.halve('no room', MOCK_SPEC)).toBe('the window is 512,200 instead of 1024,400: no room')
    expect(windows.halve('still', MOCK_SPEC)).toBe('the window is 256,128 instead of 1024,400: still')
    expect(store.writes.map(({ configured, windows: list }) => [configured, list])).toEqual([
      ['1024,400', [512, 200]],
      ['1024,400', [256, 128]],
    ])
    expect(windows.note).toBe('the window is 256,128 instead of 1024,400: still')
  })

  test('of full attention are half of the context', () => {
    const windows = new Windows([0], 4, storeOf())
    expect(windows.halve('no room', MOCK_SPEC)).toBe(
      `the window is ${CONTEXT / 2} instead of full attention: no room`,
    )
    expect(windows.list).toEqual([CONTEXT / 2])
  })
})

type Reads = { windows: WindowOptions[]; texts: number; logged: Record<string, unknown>[] }

/** A loader, its model behind a limit of positions in the window. */
function loaderOf(
  windows: number[],
  { takes = Infinity, ...parts }: Partial<WindowedLoaderParts> & { takes?: number } = {},
) {
  const seen: Reads = { windows: [], texts: 0, logged: [] }
  const store = storeOf()
  const loader = new WindowedLoader({
    settings: { windows, sinks: 4, maxPrompt: 300, queue: 9 },
    clock: { now: () => 0, wait: () => Promise.resolve() },
    store,
    readText: async () => {
      seen.texts++
      await Promise.resolve()
      return textOf()
    },
    readModel: (_text, window, onProgress) => {
      seen.windows.push(window)
      onProgress(1, 2)
      if ((window.window ?? CONTEXT) > takes)
        return Promise.reject(new IsletError('out_of_memory', 'too much'))
      return Promise.resolve(new MockModel({ window }))
    },
    readPrefix: () => Promise.resolve(undefined),
    log: (entry) => void seen.logged.push(entry),
    ...parts,
  })
  const ignore = () => () => undefined
  const load = (spec?: ModelSpec) => loader.readModel(textOf(spec), () => undefined, ignore)
  return { loader, seen, store, load }
}

describe('a loader', () => {
  test('limits prompts by the setting with a window, and by the context without', () => {
    const windowed = loaderOf([512]).loader
    expect(windowed.limits(textOf())).toEqual({ maxPrompt: 300, maxPositions: Infinity })
    expect(windowed.limits(textOf(PREFIXED))).toEqual({ maxPrompt: CONTEXT, maxPositions: CONTEXT })
    const full = loaderOf([0]).loader
    expect(full.limits(textOf())).toEqual({ maxPrompt: CONTEXT, maxPositions: CONTEXT })
    expect([full.queueLimit, windowed.windowOf(), windowed.windowOf(PREFIXED), full.note]).toEqual([
      9,
      { window: 512, sinks: 4 },
      { window: undefined, sinks: 0 },
      undefined,
    ])
  })

  test('reads the text once for all who want it at the time, and anew for others, after a failure too', async () => {
    const { loader, seen } = loaderOf([512])
    const [one, two] = await Promise.all([loader.readText(), loader.readText()])
    expect([one === two, seen.texts]).toEqual([true, 1])
    await loader.readText()
    expect(seen.texts).toBe(2)
    let reads = 0
    const failing = loaderOf([512], {
      readText: () => (++reads === 1 ? Promise.reject(new Error('lost')) : Promise.resolve(textOf())),
    }).loader
    await expect(failing.readText()).rejects.toThrow('lost')
    await expect(failing.readText()).resolves.toBeDefined()
  })

  test('halves the window until the memory takes it, and keeps it', async () => {
    const { load, seen, store, loader } = loaderOf([1024], { takes: 300 })
    expect((await load()).window).toEqual({ window: 256, sinks: 4 })
    expect(seen.windows.map(({ window }) => window)).toEqual([1024, 512, 256])
    expect(seen.logged).toEqual([
      { code: 'out_of_memory', message: 'the window is 512 instead of 1024: too much' },
      { code: 'out_of_memory', message: 'the window is 256 instead of 1024: too much' },
    ])
    expect([store.writes.length, loader.note]).toEqual([2, 'the window is 256 instead of 1024: too much'])
  })

  test('beside a reserve it takes small steps, and begins anew with another reserve', async () => {
    const settings = { windows: [1024], sinks: 4, maxPrompt: 300, queue: 9, reserve: 8e6 }
    const { load, seen, store, loader } = loaderOf([1024], { takes: 800, settings })
    expect((await load()).window).toEqual({ window: 784, sinks: 4 })
    expect(seen.windows.map(({ window }) => window)).toEqual([1024, 896, 784])
    expect(loader.note).toBe('the window is 784 instead of 1024: too much')
    const same = loaderOf([1024], { store, settings }).loader
    expect([same.windowOf().window, same.note]).toEqual([784, loader.note])
    for (const reserve of [undefined, 4e6]) {
      const other = loaderOf([1024], { store, settings: { ...settings, reserve } }).loader
      expect([other.windowOf().window, other.note]).toEqual([1024, undefined])
    }
  })

  test('gives up where the least window does not fit, or the model takes none', async () => {
    const small = loaderOf([256], { takes: 1 })
    await expect(small.load()).rejects.toThrow(isOf('out_of_memory', /too much/))
    expect(small.seen.windows.map(({ window }) => window)).toEqual([256, 128])
    const fixed = loaderOf([256], { takes: 1 })
    await expect(fixed.load(PREFIXED)).rejects.toThrow(isOf('out_of_memory', /too much/))
    expect([fixed.seen.windows.length, fixed.store.writes]).toEqual([1, []])
  })

  test('says the reason of a host that refuses memory in its own words', async () => {
    const refusal: unknown = { code: 'out_of_memory' }
    let reads = 0
    const { load, loader } = loaderOf([256], {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as it comes over a border
      readModel: () => (++reads === 1 ? Promise.reject(refusal) : Promise.resolve(new MockModel())),
    })
    await load()
    expect(loader.note).toBe('the window is 128 instead of 256: the host refused the memory')
  })

  test('names the setting that a model cannot have, which is no mistake of a client', async () => {
    const refused = (error: unknown) =>
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as it comes over a border
      loaderOf([512, 64], { readModel: () => Promise.reject(error) }).load()
    const invalid = new IsletError('invalid_request', 'too many windows')
    await expect(refused(invalid)).rejects.toThrow(
      isOf('engine_failure', /^WINDOW = "512,64": too many windows$/),
    )
    await expect(refused(invalid)).rejects.toMatchObject({ cause: invalid })
    await expect(refused({ code: 'invalid_request', toString: () => 'odd' })).rejects.toThrow(/: odd$/)
  })

  test('hands on any other failure at once', async () => {
    let reads = 0
    const { load, store } = loaderOf([512], {
      readModel: () => {
        reads++
        return Promise.reject(new IsletError('checksum_mismatch', 'damaged'))
      },
    })
    await expect(load()).rejects.toThrow(isOf('checksum_mismatch', /damaged/))
    expect([reads, store.writes]).toEqual([1, []])
  })

  test('does without a prefix that cannot be read, and logs why', async () => {
    const seed = { ids: [1], pages: [] }
    const good = loaderOf([0], { readPrefix: () => Promise.resolve(seed) })
    expect(await good.loader.readPrefix(textOf(), new MockModel())).toBe(seed)
    expect(good.seen.logged).toEqual([])
    const reasons: [unknown, string, string][] = [
      [new IsletError('invalid_file', 'no file'), 'invalid_file', 'no file'],
      ['odd', 'internal_error', 'odd'],
    ]
    for (const [error, code, message] of reasons) {
      const { loader, seen } = loaderOf([0], {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever was thrown
        readPrefix: () => Promise.reject(error),
      })
      expect(await loader.readPrefix(textOf(), new MockModel())).toBeUndefined()
      expect(seen.logged).toEqual([{ code, message: `the prefix is computed instead: ${message}` }])
    }
  })
})

// What the model list says of limits is what lanes hold requests to.

import { describe, expect, it } from 'vitest'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { configuredLimits, limitsUnder } from '../../src/lane/model-limits.ts'
import { DEFAULT_SAMPLING } from '../../src/protocol/generation.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'

const TEXT = { manifest: mockManifest(), tokenizer: byteTokenizer() }
const CONTEXT = 64
const shape = { context: CONTEXT, takesWindow: true }
const settings = { windows: [0], sinks: 4, maxPrompt: 100 }

describe('limits of a model', () => {
  it.each([
    ['full attention', shape, settings, { prompt: 63, answer: 63 }],
    ['a window', shape, { ...settings, windows: [16] }, { prompt: 100 }],
    ['windows by depth', shape, { ...settings, windows: [16, 32] }, { prompt: 100 }],
    [
      'a model that takes none',
      { ...shape, takesWindow: false },
      { ...settings, windows: [16] },
      { prompt: 63, answer: 63 },
    ],
  ])('with %s are the longest prompt that a lane takes', (_, model, configured, limits) => {
    const told = configuredLimits(model, configured)
    expect(told).toEqual({ trained: CONTEXT, ...limits })
    const window = 'answer' in limits ? undefined : Math.max(...configured.windows)
    const held = limitsUnder(window, CONTEXT, configured.maxPrompt)
    const request = (length: number) => ({
      prompt: { kind: 'ids' as const, ids: Array<number>(length).fill(1) },
      maxTokens: undefined,
      sampling: DEFAULT_SAMPLING,
      stop: [],
    })
    expect(preparePrompt(request(told.prompt), TEXT, held).ids).toHaveLength(told.prompt)
    expect(() => preparePrompt(request(told.prompt + 1), TEXT, held)).toThrow(
      `has ${told.prompt + 1} tokens and this model takes ${told.prompt}`,
    )
  })
})

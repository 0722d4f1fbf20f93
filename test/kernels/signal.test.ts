// The two words that workerd and an instance share: where they lie, that a model reads them, and that they take no constant's place.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { fileSource } from '../../cli/lib/file-source.ts'
import { readManifest } from '../../cli/lib/model.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { HostSignal, instantiateKernels } from '../../src/kernels/wasm.ts'
import { ROOT } from '../helpers/worker.ts'

const SIGXCPU = 24
const FOLDER = `${ROOT}models/tiny`

type Addresses = { __instance_signal: { value: number }; __instance_terminated: { value: number } }

const BUILDS = Object.entries(nodeKernels(undefined)).flatMap(
  ([name, module]): [string, WebAssembly.Module][] => (module === undefined ? [] : [[name, module]]),
)

const newMemory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 2, maximum: 2 })

function addresses(module: WebAssembly.Module, memory = newMemory()): [number, number] {
  const exported = instantiateKernels(module, memory) as unknown as Addresses
  return [exported.__instance_signal.value, exported.__instance_terminated.value]
}

describe.each(BUILDS)('the build called %s', (_, module) => {
  it('takes its memory from outside, which is where workerd looks for the words', () => {
    const { imports } = WebAssembly.Module as unknown as {
      imports(module: WebAssembly.Module): { kind: string; name: string }[]
    }
    expect(imports(module)).toContainEqual(expect.objectContaining({ kind: 'memory', name: 'memory' }))
  })

  it('has two words of its own where none of its constants lies', () => {
    const memory = newMemory()
    const [signal, terminated] = addresses(module, memory)
    const words = new Uint32Array(memory.buffer)
    const constants = words.findIndex((word) => word !== 0) * 4
    expect([signal % 4, terminated % 4]).toEqual([0, 0])
    expect(signal).toBeGreaterThanOrEqual(1024)
    expect(terminated).toBe(signal + 4)
    expect(terminated + 4).toBeLessThanOrEqual(constants)
    expect(words.findLastIndex((word) => word !== 0)).toBeLessThan(65536 / 4)
  })

  it('has them where the other builds have them, which are tried on the same memory', () => {
    for (const [, other] of BUILDS) expect(addresses(module)).toEqual(addresses(other))
  })

  it('a model reads what was written there, forgets it when told, and computes the same', async () => {
    const manifest = await readManifest(FOLDER)
    let memory = newMemory()
    const kernels = (made: WebAssembly.Memory) => instantiateKernels(module, (memory = made))
    const options = { window: { window: 32, sinks: 4 }, chunk: 4, kernels }
    const model = await loadModel(manifest, fileSource(FOLDER), options)
    const logits = (): number[] => {
      model.run([{ id: 1, position: 0, pages: [0], yields: 'logits' }])
      return [...model.logits(0)]
    }
    const [signal, terminated] = addresses(module).map((address) => address / 4)
    const words = new Int32Array(memory.buffer)
    const quiet = logits()
    expect(model.signal.value).toBe(0)
    words[signal] = SIGXCPU
    words[terminated] = 1
    expect(model.signal.value).toBe(SIGXCPU)
    expect(logits()).toEqual(quiet)
    expect(model.signal.value).toBe(SIGXCPU)
    model.signal.clear()
    expect(model.signal.value).toBe(0)
    words[terminated] = 0
    model.release()
    expect([words[signal], words[terminated]]).toEqual([0, 1])
  })

  it('a load that fails lets go of the memory', async () => {
    const manifest = await readManifest(FOLDER)
    let memory = newMemory()
    const kernels = (made: WebAssembly.Memory) => instantiateKernels(module, (memory = made))
    const options = { window: { window: 32, sinks: 4 }, chunk: 4, kernels }
    const source = { open: () => Promise.reject(new Error('nothing there')) }
    await expect(loadModel(manifest, source, options)).rejects.toThrow('nothing there')
    expect(new Int32Array(memory.buffer)[addresses(module)[1] / 4]).toBe(1)
  })
})

it('the twins in TypeScript are told nothing', () => {
  const memory = newMemory()
  const signal = new HostSignal(referenceKernels(memory), memory)
  new Int32Array(memory.buffer).fill(SIGXCPU)
  expect(signal.value).toBe(0)
  signal.clear()
  signal.end()
  expect(new Int32Array(memory.buffer).every((word) => word === SIGXCPU)).toBe(true)
})

// A page that times wllama: the GGUF and the library's own files come from the loopback server. Both versions get one
// thread and the same ids; 2.x is driven token by token, 3.x by its stream of a completion, as each offers it.

import { answer, bytesOf } from './link.ts'

/** Each prompt as ids, and as a text that means the same ids. */
export type WllamaJob = {
  version: 2 | 3
  flashAttention: boolean
  prompts: { ids: number[]; text: string }[]
  decode: number
}

/** Seconds to the first token, and for the `decode` tokens after it, for each prompt after the first, which warms up. */
export type WllamaReport = { prefill: number[]; decode: number[]; threads: number }

/** What is used of 2.4.0. */
type Wllama2 = {
  loadModel(blobs: Blob[], config: object): Promise<void>
  samplingInit(config: object): Promise<void>
  kvClear(): Promise<void>
  decode(ids: number[], options: object): Promise<unknown>
  samplingSample(): Promise<{ token: number }>
  getNumThreads(): number
}

type Chunk = { choices: { text: string }[]; timings?: { prompt_n: number; predicted_n: number } }

/** What is used of 3.8.1, which takes text alone. */
type Wllama3 = Pick<Wllama2, 'loadModel' | 'getNumThreads'> & {
  createCompletion(options: object): Promise<AsyncIterable<Chunk>>
}

type Library = { Wllama: new (paths: object, config: object) => Wllama2 & Wllama3 }

const CONTEXT = 512

await answer(async ({ version, flashAttention, prompts, decode }: WllamaJob): Promise<WllamaReport> => {
  const address = '/wllama/index.js'
  const { Wllama } = (await import(address)) as Library
  const paths =
    version === 2
      ? { 'single-thread/wllama.wasm': '/wllama/single-thread/wllama.wasm' }
      : { default: '/wllama/wasm/wllama.wasm' }
  const wllama = new Wllama(paths, { suppressNativeLog: true })
  const options = { n_ctx: CONTEXT, n_threads: 1, flash_attn: flashAttention }
  const onlyThree = version === 3 ? { n_gpu_layers: 0, n_parallel: 1 } : {}
  await wllama.loadModel([new Blob([await bytesOf('/gguf/model.gguf')])], { ...options, ...onlyThree })

  const report: WllamaReport = { prefill: [], decode: [], threads: wllama.getNumThreads() }
  for (const [serial, { ids, text }] of prompts.entries()) {
    const start = now()
    const times =
      version === 2
        ? await stepByStep(wllama, ids, decode)
        : await streamed(wllama, { text, tokens: ids.length }, decode)
    if (times.length !== decode + 1) throw new Error(`${times.length} tokens instead of ${decode + 1}`)
    if (serial === 0) continue
    report.prefill.push(times[0] - start)
    report.decode.push(times[decode] - times[0])
  }
  return report
})

/** When each token was there. */
async function stepByStep(wllama: Wllama2, prompt: number[], decode: number): Promise<number[]> {
  await wllama.samplingInit({ temp: 0 })
  await wllama.kvClear()
  const times: number[] = []
  for (let ids = prompt; times.length <= decode;) {
    await wllama.decode(ids, {})
    ids = [(await wllama.samplingSample()).token]
    times.push(now())
  }
  return times
}

async function streamed(
  wllama: Wllama3,
  prompt: { text: string; tokens: number },
  decode: number,
): Promise<number[]> {
  const chunks = await wllama.createCompletion({
    prompt: prompt.text,
    stream: true,
    max_tokens: decode + 1,
    temperature: 0,
    ignore_eos: true,
    cache_prompt: false,
  })
  const times: number[] = []
  let counts: Chunk['timings']
  for await (const { choices, timings } of chunks) {
    if ((choices[0]?.text ?? '') !== '') times.push(now())
    counts = timings ?? counts
  }
  if (counts?.prompt_n !== prompt.tokens || counts.predicted_n !== decode + 1)
    throw new Error(`${prompt.tokens} and ${decode + 1} tokens became ${JSON.stringify(counts)}`)
  return times
}

function now(): number {
  return performance.now() / 1e3
}

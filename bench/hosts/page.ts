// A page in Chromium as a host: the job and the weights come from the loopback server that gave this script.

import type { ByteSource } from '../../src/weights/source.ts'
import { answer, bytesOf } from '../pages/link.ts'
import { runJob, type EngineJob } from './engine.ts'
import { loadFor, modulesFor } from './load.ts'

// The types of Workers leave out what workerd has not.
const { compile } = WebAssembly as unknown as {
  compile(bytes: ArrayBuffer): Promise<WebAssembly.Module>
}

const source: ByteSource = {
  async open(file) {
    const response = await fetch(`/model/${file}`)
    if (!response.ok || response.body === null) throw new Error(`${file}: status ${response.status}`)
    return response.body
  },
}

const kernels = async (name: string): Promise<WebAssembly.Module> =>
  compile(await bytesOf(`/kernels/islet.${name}.wasm`))

await answer(async (job: EngineJob) => {
  const all = {
    quads: await kernels('quads'),
    relaxed: await kernels('relaxed'),
    plain: await kernels('plain'),
  }
  const model = await loadFor(job, source, modulesFor(all, job.simd))
  return runJob(model, job, () => performance.now() / 1e3)
})

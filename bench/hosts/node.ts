// Node as a host: a job with its packed folder in the first argument, its report on standard output.

import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { runJob, type EngineJob } from './engine.ts'
import { loadFor } from './load.ts'

const job = JSON.parse(process.argv[2]) as EngineJob & { model: string }
const model = await loadFor(job, fileSource(job.model), nodeKernels(job.simd))
process.stdout.write(`${JSON.stringify(runJob(model, job, () => performance.now() / 1e3))}\n`)

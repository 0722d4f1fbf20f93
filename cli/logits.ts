// The command `islet logits` writes raw float32 logits of given ids, one row per position. They serve to
// compare with any other implementation.

import { parseArgs } from 'node:util'
import { Feed } from '../src/graph/feed.ts'
import { loadModel } from '../src/graph/load-model.ts'
import { sha256 } from '../src/lib/sha256.ts'
import { IsletError } from '../src/lib/errors.ts'
import { choice } from '../src/packing/policy.ts'
import { nodeKernels } from './lib/kernels.ts'
import { localKv } from './lib/kv.ts'
import { openModel } from './lib/model.ts'
import { NpyWriter } from './lib/npy.ts'
import { idList, required, windowOption, wholeNumber } from './lib/options.ts'

const usage = `islet logits MODEL --ids 1,2,3 --out F.npy [--feed 4,5] [--window W] [--sinks S] [--kv f32|q8] [--chunk N]

Prefills the ids in one request, then decodes the fed ids one at a time; float32, one row per position.
  --window W   last positions seen (without it: full attention);  --sinks S  first positions always seen (4);
               several, as 64,128,256: a window for each of so many equal runs of layers, from the first layer up
  --kv         precision of the KV cache: f32 for a checkpoint in floating point, else as the worker has it
  --chunk N    rows of a prefill step, a multiple of 4 (64)`

export const command = {
  name: 'logits',
  summary: 'write the logits of given token ids to a .npy file',
  usage,
  async run(argv: string[]): Promise<void> {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        ids: { type: 'string' },
        feed: { type: 'string' },
        out: { type: 'string' },
        window: { type: 'string' },
        sinks: { type: 'string' },
        kv: { type: 'string' },
        chunk: { type: 'string' },
      },
    })
    const name = required(positionals[0], 'MODEL')
    const ids = idList(required(values.ids, '--ids'), '--ids')
    const feed = values.feed === undefined ? [] : idList(values.feed, '--feed')
    const out = required(values.out, '--out')
    const window = windowOption(values.window, values.sinks)
    const chunk = values.chunk === undefined ? 64 : wholeNumber(values.chunk, '--chunk', 4)
    if (chunk % 4 !== 0)
      throw new IsletError('invalid_request', `--chunk ${chunk} is not a multiple of 4`, { param: '--chunk' })
    if (ids.length === 0)
      throw new IsletError('invalid_request', '--ids is empty: give at least one id', { param: '--ids' })

    const { manifest, source } = await openModel(name, {})
    const kv = choice(values.kv ?? localKv(manifest), ['f32', 'q8'] as const, '--kv')
    // A prompt that sees itself both ways is one step, and every row of it asks for logits.
    const rows = manifest.spec.prefix === undefined ? chunk : Math.max(chunk, 4 * Math.ceil(ids.length / 4))
    const model = await loadModel(manifest, source, {
      window,
      chunk: rows,
      logitRows: rows,
      kv,
      maxPositions: ids.length + feed.length,
      kernels: nodeKernels(),
    })
    const sequence = new Feed(model)
    const file = new NpyWriter(out, manifest.spec.vocab)
    const hash = sha256()
    const write = (logits: Float32Array): void => {
      file.row(logits)
      hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength))
    }
    try {
      sequence.run(ids, write)
      for (const id of feed) sequence.run([id], write)
    } finally {
      file.close()
    }
    process.stderr.write(
      `${ids.length + feed.length} rows of ${manifest.spec.vocab}, SHA-256 ${hash.hex()}\n`,
    )
  },
}

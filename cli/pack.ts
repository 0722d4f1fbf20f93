// The command `islet pack` turns a GGUF file or a Hugging Face folder into one that the edge can stream.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { IsletError } from '../src/lib/errors.ts'
import { chatNamed } from '../src/packing/chat-format.ts'
import { openSource } from '../src/packing/open-source.ts'
import { cutModel } from '../src/packing/cut.ts'
import { packToFolder, STAGES_FOLDER } from '../src/packing/pack-folder.ts'
import type { StageCount } from '../src/packing/plan-stages.ts'
import { poolingNamed } from '../src/packing/pooling.ts'
import { choice, EMBEDDINGS, QUANTS } from '../src/packing/policy.ts'
import { ROUNDINGS } from '../src/packing/quantise.ts'
import { BUILTIN_FORMATS, type Manifest } from '../src/weights/manifest.ts'
import { trimBy } from '../src/packing/vocabulary/choice.ts'
import { weightBytes } from '../src/weights/stream.ts'
import { calibrationOf } from './lib/calibration.ts'
import { findModel, readManifest } from './lib/model.ts'
import { measureKv } from './lib/measure-kv.ts'
import { packPrefix } from './lib/pack-prefix.ts'
import { megabytes, progressBar } from './lib/progress.ts'
import { stageCount, stageSettings, stageTable } from './lib/stages.ts'
import { choiceOf, lossLine } from './lib/vocabulary.ts'

const usage = `islet pack INPUT OUT [--quant auto|keep|q4|q4s|q8|f32] [--embedding auto|keep|q8|q6|q5|q4|f32]
           [--rounding search|nearest] [--calibrate yes|no] [--id NAME] [--chat FORMAT] [--pooling mean|mean_without_first|last]
           [--vocabulary TEXTS|FILE] [--ids N] [--stages K|auto] [--window 1024] [--chunk 32]
       islet pack MODEL --stages K|auto [--window 1024] [--chunk 32]

INPUT is a .gguf file or a Hugging Face folder (config.json and safetensors); OUT is the folder to write.
  --quant auto   Q4_0, Q5_0, Q8_0 as they are, Q4_1 and Q4_K as INT4 with scale and minimum, both in 8 bits, Q6_K as 6 bits,
                 floats as f32, others INT8 (default)
          keep   the same with the scales and minimums that Q4_1 and Q4_K have: a tenth larger, and more exact
          q4     INT4: Q4_0 stays, all others become blocks with scale and minimum
          q4s    INT4 with a scale alone, as Q4_0 has it: no smaller than q4, and less exact
          q8     INT8, one scale for 32 weights;  f32  everything as floats: the reference precision
  --embedding    token embedding and head: q8 INT8 in blocks, q6 six bits with scale and minimum, q5 five with a scale, keep, q4, f32;
                 auto: as --quant for floats and 4 bits, else q8, or 8, 6 and 5 bits by range where it is larger than 16 MiB (default)
  --rounding     how blocks of 4, 5 and 6 bits get scale and minimum: search finds those of the least squared error (default),
                 nearest takes the extremes and rounds, ten times faster; what is kept as it is has no part in it
  --calibrate    yes: some hundred tokens pass through the model's floats first, and what its matrices are multiplied by
                 says which errors count; seconds for a small model, minutes for a large one (default)
  --id           the model's name in the API (default: from INPUT's name, in lower case)
  --chat         the chat format, where the files do not tell: ${BUILTIN_FORMATS.join(', ')}, none
                 (default: the template in the files, else that of the family)
  --pooling      how states of a text become its vector in /v1/embeddings: for a model that is known to be good for it
                 (default: what the files say, else none, and embeddings are refused)
  --vocabulary   a part of the vocabulary alone: ids that texts use (a text file or a folder of them), or those that a file of
                 \`islet vocabulary\` keeps; marks, bytes and the chat format's words always stay, so every text can be written
  --ids          how many ids stay, with TEXTS
  --stages       cuts what is packed into stages for so many scripts, of which each holds a part: OUT/stages; auto: as few as
                 hold it, none where one does. Of MODEL, which is packed already, nothing else changes
  --window, --chunk   for the plan of stages: positions seen (or 256,1024: by depth; 0: all), rows of a prefill step`

export const command = {
  name: 'pack',
  summary: 'pack a GGUF file or a Hugging Face folder for the edge',
  usage,
  async run(argv: string[]): Promise<void> {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        quant: { type: 'string' },
        embedding: { type: 'string' },
        rounding: { type: 'string' },
        calibrate: { type: 'string' },
        id: { type: 'string' },
        chat: { type: 'string' },
        pooling: { type: 'string' },
        vocabulary: { type: 'string' },
        ids: { type: 'string' },
        stages: { type: 'string' },
        window: { type: 'string' },
        chunk: { type: 'string' },
      },
    })
    const [input, out] = positionals
    const stages = values.stages === undefined ? undefined : stageCount(values.stages)
    if (stages === undefined && (values.window ?? values.chunk) !== undefined)
      throw new IsletError('invalid_request', '--window and --chunk need --stages', { param: '--stages' })
    if (positionals.length === 1 && stages !== undefined) {
      await cutPacked(input, stages, values)
      return
    }
    if (positionals.length !== 2)
      throw new IsletError('invalid_request', `give INPUT and OUT\nusage: ${usage}`)
    const quant = choice(values.quant ?? 'auto', QUANTS, '--quant')
    const embedding = choice(values.embedding ?? 'auto', EMBEDDINGS, '--embedding')
    const rounding = choice(values.rounding ?? 'search', ROUNDINGS, '--rounding')

    const calibrates = choice(values.calibrate ?? 'yes', ['yes', 'no'], '--calibrate') === 'yes'
    if (values.chat !== undefined) chatNamed(values.chat, { kind: 'none' })
    if (values.ids !== undefined && values.vocabulary === undefined)
      throw new IsletError('invalid_request', '--ids needs --vocabulary', { param: '--ids' })
    const opened = await openSource(input)
    const whole = {
      ...opened,
      ...(values.chat !== undefined && { chat: chatNamed(values.chat, opened.chat) }),
      ...(values.pooling !== undefined && { pooling: poolingNamed(values.pooling, opened.spec) }),
    }
    const bar = progressBar(`packing ${whole.name}`)
    try {
      const choice =
        values.vocabulary === undefined ? undefined : await choiceOf(whole, values.vocabulary, values.ids)
      const source = choice === undefined ? whole : await trimBy(whole, choice)
      const manifest = await packToFolder(source, out, {
        quant,
        embedding,
        rounding,
        ...(calibrates && { calibrate: calibrationOf }),
        id: values.id,
        onProgress: bar.update,
        chooseKv: measureKv,
        makePrefix: packPrefix,
      })
      if (manifest.tokenizer.length === 0)
        process.stderr.write('no tokenizer found: only `logits` will work with this model\n')
      if (choice !== undefined)
        process.stderr.write(lossLine(choice.kept.length, whole.spec.vocab, choice.lost))
      const bytes = weightBytes(manifest)
      process.stdout.write(
        `${manifest.id}: ${megabytes(bytes)} MB in ${manifest.shards.length} shards, ${out}\n`,
      )
      if (stages !== undefined) await cut(out, stages, manifest, values)
    } finally {
      bar.finish()
      await whole.close()
    }
  },
}

type PlanValues = { window?: string; chunk?: string }

/** A packed model, by its name or folder. Throws `invalid_request` for other options, which packing alone has. */
async function cutPacked(model: string, stages: StageCount, values: PlanValues): Promise<void> {
  const { kind, path } = await findModel(model)
  if (kind !== 'packed')
    throw new IsletError('invalid_request', `${path} is not packed: give OUT too`, { param: 'OUT' })
  const { stages: _, window, chunk, ...others } = values as Record<string, string>
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw new IsletError('invalid_request', `--${other} is for packing: ${path} is packed already`, {
      param: `--${other}`,
    })
  await cut(path, stages, await readManifest(path), { window, chunk })
}

async function cut(
  folder: string,
  stages: StageCount,
  { id, spec }: Manifest,
  { window, chunk }: PlanValues,
): Promise<void> {
  const shares = await cutModel(folder, stages, stageSettings(spec, { window, chunk }))
  const said =
    shares.length === 1
      ? `${id}: one isolate holds it, no stages are needed`
      : `${id} in ${shares.length} stages, ${join(folder, STAGES_FOLDER)}\n${stageTable(shares, spec)}`
  process.stdout.write(`${said}\n`)
}

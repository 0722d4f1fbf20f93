// Builds safetensors files and Hugging Face folders.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type FloatTensor = { name: string; shape: number[]; values: Float32Array }

export type FloatType = 'F32' | 'BF16'

/** The bytes of a file with tensors of one type; `edit` may spoil the header's JSON. */
export function buildSafetensors(
  tensors: readonly FloatTensor[],
  edit: (header: Record<string, unknown>) => void = () => undefined,
  dtype: FloatType = 'F32',
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  let offset = 0
  for (const { name, shape, values } of tensors) {
    const end = offset + (dtype === 'F32' ? 4 : 2) * values.length
    header[name] = { dtype, shape, data_offsets: [offset, end] }
    offset = end
  }
  edit(header)
  const json = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(json.length))
  const data = tensors.map(({ values }) => {
    const { buffer, byteOffset, byteLength } = dtype === 'F32' ? values : highHalves(values)
    return Buffer.from(buffer, byteOffset, byteLength)
  })
  return new Uint8Array(Buffer.concat([prefix, json, ...data]))
}

/** As bfloat16, rounded towards zero. */
function highHalves({ buffer, byteOffset, length }: Float32Array): Uint16Array {
  return new Uint16Array(buffer, byteOffset, 2 * length).filter((_, at) => at % 2 === 1)
}

/** Writes config.json and one weight file for each list of tensors (an index too, if there are several). */
export function writeFolder(
  folder: string,
  config: object,
  files: readonly (readonly FloatTensor[])[],
  dtype?: FloatType,
): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  if (files.length === 1) {
    writeFileSync(join(folder, 'model.safetensors'), buildSafetensors(files[0], undefined, dtype))
    return folder
  }
  const map: Record<string, string> = {}
  for (const [index, tensors] of files.entries()) {
    const name = `model-${index + 1}-of-${files.length}.safetensors`
    writeFileSync(join(folder, name), buildSafetensors(tensors, undefined, dtype))
    for (const tensor of tensors) map[tensor.name] = name
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }))
  return folder
}

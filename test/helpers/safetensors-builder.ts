// Builds safetensors files and Hugging Face folders.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type FloatTensor = { name: string; shape: number[]; values: Float32Array }

/** The bytes of a file with F32 tensors; `edit` may spoil the header's JSON. */
export function buildSafetensors(
  tensors: readonly FloatTensor[],
  edit: (header: Record<string, unknown>) => void = () => undefined,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  let offset = 0
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + 4 * values.length] }
    offset += 4 * values.length
  }
  edit(header)
  const json = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(json.length))
  const data = tensors.map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength))
  return new Uint8Array(Buffer.concat([prefix, json, ...data]))
}

/** Writes config.json and one weight file for each list of tensors (an index too, if there are several). */
export function writeFolder(
  folder: string,
  config: object,
  files: readonly (readonly FloatTensor[])[],
): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  if (files.length === 1) {
    writeFileSync(join(folder, 'model.safetensors'), buildSafetensors(files[0]))
    return folder
  }
  const map: Record<string, string> = {}
  for (const [index, tensors] of files.entries()) {
    const name = `model-${index + 1}-of-${files.length}.safetensors`
    writeFileSync(join(folder, name), buildSafetensors(tensors))
    for (const tensor of tensors) map[tensor.name] = name
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }))
  return folder
}

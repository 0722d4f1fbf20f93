// This file reads a GGUF file as a ModelSource: the header through @huggingface/gguf, data by range.

import { gguf } from '@huggingface/gguf'
import { checkGgufCounts } from '../formats/gguf-count.ts'
import { ggufTensors, metadataOf, type ParsedGguf } from '../formats/gguf.ts'
import { IsletError } from '../lib/errors.ts'
import { familyOfGguf } from '../models/registry.ts'
import { chatOfGguf } from './chat-format.ts'
import { mayLackMarks, readTokenNames } from './gguf-tokens.ts'
import { inFile, naming } from './in-file.ts'
import { poolingOfGguf } from './pooling.ts'
import { openRangeFile, type RangeFile } from './range-file.ts'
import { recommendedInGguf } from './recommended.ts'
import { matchTensors, type ModelSource } from './source.ts'
import { refusePart } from './split-gguf.ts'
import { tokenizerFromGguf } from './tokenizer-gguf.ts'
import { fitTokenizer } from './tokenizer-fit.ts'
import { writeTokenizer } from './tokenizer-write.ts'

/** Magic, version and two counts. */
const SMALLEST = 24

/**
 * Opens a GGUF file (versions 1 to 3, little-endian). `invalid_file` or `unsupported_format` say what is
 * wrong.
 */
export async function openGguf(path: string, name: string): Promise<ModelSource> {
  const file = await openRangeFile(path)
  try {
    const parsed = await readHeader(path, file)
    refusePart(metadataOf(parsed), file.name)
    return sourceOf(parsed, file, name)
  } catch (error) {
    await file.close()
    throw inFile(file.name, error)
  }
}

/** Metadata of a GGUF file alone, as the parser gives it; for text commands. */
export async function readGgufMetadata(path: string): Promise<Record<string, unknown>> {
  const file = await openRangeFile(path)
  try {
    const parsed = await readHeader(path, file)
    const metadata = metadataOf(parsed)
    // The first part has the whole tokenizer.
    if (metadata.get('tokenizer.ggml.model') === undefined) refusePart(metadata, file.name)
    return { ...parsed.metadata }
  } catch (error) {
    throw inFile(file.name, error)
  } finally {
    await file.close()
  }
}

/** The parser bounds counts, strings and arrays itself and never holds more than 50 MB of header. */
async function readHeader(path: string, file: RangeFile): Promise<ParsedGguf> {
  if (file.size < SMALLEST)
    throw new IsletError('invalid_file', `${path} has ${file.size} bytes: no GGUF file`)
  await checkGgufCounts((offset, length) => file.read(offset, length), file.size)
  let parsed: ParsedGguf
  try {
    parsed = await gguf(path, { allowLocalFile: true })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError('invalid_file', `${path} cannot be read as GGUF: ${why}`, { cause })
  }
  // Behind the end of a file the parser reads zeros.
  if (parsed.tensorInfoByteRange[1] > file.size)
    throw new IsletError('invalid_file', 'damaged GGUF file: the header is cut off')
  const metadata = parsed.metadata as Record<string, unknown>
  const names = metadata['tokenizer.ggml.tokens']
  if (metadata['tokenizer.ggml.model'] === 'llama' && Array.isArray(names) && mayLackMarks(names)) {
    const header = await file.read(0, Math.min(file.size, parsed.tensorInfoByteRange[0]))
    const version = Number(metadata['version'])
    metadata['tokenizer.ggml.tokens'] = readTokenNames(header, names, version, parsed.littleEndian)
  }
  return parsed
}

function sourceOf(parsed: ParsedGguf, file: RangeFile, name: string): ModelSource {
  const metadata = metadataOf(parsed)
  const family = familyOfGguf(metadata)
  const stored = new Map(ggufTensors(parsed, file.size).map((tensor) => [tensor.name, { ...tensor, file }]))
  const embedding = stored.get('token_embd.weight')
  if (embedding === undefined)
    throw new IsletError('invalid_file', 'the checkpoint has no tensor token_embd.weight')
  const read = family.specFromGguf(metadata, embedding.shape[0])
  const spec = { ...read, head: { ...read.head, tied: !stored.has('output.weight') } }
  const license = metadata.get('general.license')
  const record = { ...parsed.metadata } as Record<string, unknown>
  return {
    name,
    spec,
    tensors: matchTensors(family, spec, 'gguf', stored),
    chat: chatOfGguf(record, name),
    chatFile: file.name,
    license: typeof license === 'string' ? license : undefined,
    sampling: recommendedInGguf(metadata),
    pooling: poolingOfGguf(metadata),
    async tokenizer() {
      if (metadata.get('tokenizer.ggml.model') === undefined) return undefined
      return naming(file.name, () => writeTokenizer(fitTokenizer(tokenizerFromGguf(record), spec.vocab)))
    },
    close: () => file.close(),
  }
}

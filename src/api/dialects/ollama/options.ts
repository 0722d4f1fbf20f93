// Ollama's options are sampling fields of chat under other names, or settings of a machine that is not here.

import * as z from 'zod/mini'
import { isJsonObject, entriesOf } from '../../../lib/json-value.ts'

/** What they are called in a chat's body. Those that no chat knows are refused there. */
const FIELDS: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_k: 'top_k',
  top_p: 'top_p',
  min_p: 'min_p',
  typical_p: 'typical_p',
  repeat_penalty: 'repetition_penalty',
  repeat_last_n: 'repeat_last_n',
  presence_penalty: 'presence_penalty',
  frequency_penalty: 'frequency_penalty',
  mirostat: 'mirostat',
  mirostat_tau: 'mirostat_tau',
  mirostat_eta: 'mirostat_eta',
  tfs_z: 'tfs_z',
  seed: 'seed',
  stop: 'stop',
  num_predict: 'max_tokens',
}

/** Values that ask for nothing: some clients send all options. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  typical_p: [1],
  mirostat: [0],
  tfs_z: [1],
  num_predict: [-1, -2],
}

/** Of the machine and the loading of a model, which a deployment settles; accepted without effect. */
const SETTLED =
  'numa num_ctx num_batch num_gpu main_gpu low_vram f16_kv logits_all vocab_only use_mmap use_mlock embedding_only num_thread num_keep penalize_newline'.split(
    ' ',
  )

/** `options`: what a chat takes of them is checked as a chat's. */
export const optionsSchema = () =>
  z.nullish(
    z.strictObject(
      Object.fromEntries([...Object.keys(FIELDS), ...SETTLED].map((name) => [name, z.optional(z.unknown())])),
    ),
  )

/** The fields of a chat that `options` ask for, and those that are without effect, by their places. */
export function optionFields(options: unknown): { fields: [string, unknown][]; ignored: string[] } {
  if (!isJsonObject(options)) return { fields: [], ignored: [] }
  const given = entriesOf(options).filter(([, value]) => value !== null)
  const isOff = ([name, value]: [string, unknown]): boolean => NEUTRAL[name]?.includes(value) === true
  // Settings of what is off.
  const hasMirostat = given.some((entry) => entry[0] === 'mirostat' && !isOff(entry))
  const isIdle = (name: string): boolean => name.startsWith('mirostat_') && !hasMirostat
  return {
    fields: given
      .filter((entry) => Object.hasOwn(FIELDS, entry[0]) && !isOff(entry) && !isIdle(entry[0]))
      .map(([name, value]) => [FIELDS[name], value]),
    ignored: given.filter(([name]) => SETTLED.includes(name)).map(([name]) => `options.${name}`),
  }
}

/** Where a field of a chat stands in Ollama's body. */
export function ollamaPlace(field: string): string {
  if (field.startsWith('response_format')) return 'format'
  if (field.startsWith('chat_template_kwargs')) return 'think'
  const option = Object.keys(FIELDS).find((name) => FIELDS[name] === field)
  return option === undefined ? field : `options.${option}`
}

// The command `islet generate` writes one completion, as text while it is made or as one JSON object.

import { DEFAULT_SAMPLING, type FinishEvent, type SamplingOptions } from '../src/protocol/generation.ts'
import { formOf, formOptions } from './lib/answer-form.ts'
import { openLocal } from './lib/local.ts'
import { number, required, windowOption, wholeNumber } from './lib/options.ts'
import { printOut, readArguments, type Print } from './lib/text-command.ts'

const usage = `generate MODEL --prompt T [--max-tokens N] [--temperature X] [--top-p X] [--top-k N] [--seed N] [--json]
               [--window W] [--sinks S] [--schema F.json | --regex R | --grammar F | --choice A,B,...]

Continues the text T, which is taken as it is (no chat template). Defaults: 128 tokens, temperature 1, seed 0, all
attention up to the trained context; --window W sees the last W positions and the first S (4), and --window 64,128,256
has a window for each of so many equal runs of layers, from the first layer up. --json prints one object with text, ids, usage and the SHA-256 of the logits.

--schema F.json holds the text to a JSON Schema, --regex R to a pattern, --grammar F to a grammar in llama.cpp's notation, --choice A,B to one of
these texts. It is whole within --max-tokens; where that had to be seen to, a line on standard error says so.`

const options = {
  prompt: { type: 'string' },
  'max-tokens': { type: 'string' },
  temperature: { type: 'string' },
  'top-p': { type: 'string' },
  'top-k': { type: 'string' },
  seed: { type: 'string' },
  window: { type: 'string' },
  sinks: { type: 'string' },
  json: { type: 'boolean' },
  ...formOptions,
} as const

type Values = { [K in keyof typeof options]?: K extends 'json' ? boolean : string }

export const command = { name: 'generate', summary: 'continue a text', usage, run }

const printNote: Print = (text) => void process.stderr.write(text)

async function run(argv: string[], print: Print = printOut, note: Print = printNote): Promise<void> {
  const { model, values } = readArguments(argv, options, usage)
  const text = required(values.prompt, '--prompt')
  const maxTokens =
    values['max-tokens'] === undefined ? 128 : wholeNumber(values['max-tokens'], '--max-tokens', 1)
  const sampling = samplingOf(values)
  const grammar = await formOf(values)
  const local = await openLocal(model, windowOption(values.window, values.sinks))
  const ids: number[] = []
  let completion = ''
  let end: FinishEvent | undefined
  const prompt = { kind: 'text' as const, text }
  for await (const event of local.generate({
    prompt,
    maxTokens,
    sampling,
    hashLogits: values.json === true,
    ...(grammar && { grammar }),
  })) {
    if (event.type === 'text') {
      completion += event.text
      ids.push(...event.ids)
      if (values.json !== true) print(event.text)
    } else if (event.type === 'finish') {
      end = event
    }
  }
  if (end?.closedEarly === true)
    note(
      `islet: the limit of ${maxTokens} tokens closed this text early; --max-tokens N leaves it more room\n`,
    )
  if (values.json !== true) {
    print('\n')
    return
  }
  const result = {
    model: local.id,
    text: completion,
    ids,
    finish_reason: end?.reason,
    ...(end?.closedEarly === true && { closed_early: true }),
    ...(end?.ignored !== undefined && { ignored: end.ignored }),
    usage: {
      prompt_tokens: end?.usage.promptTokens,
      completion_tokens: end?.usage.completionTokens,
    },
    window: end?.window.window ?? null,
    sinks: end?.window.sinks,
    out_of_sight: end?.window.outOfSight,
    logits_sha256: end?.logitsHash,
  }
  print(`${JSON.stringify(result)}\n`)
}

function samplingOf(values: Values): SamplingOptions {
  const read = (
    text: string | undefined,
    name: string,
    low: number,
    high: number,
    otherwise: number,
  ): number => (text === undefined ? otherwise : number(text, name, low, high))
  return {
    ...DEFAULT_SAMPLING,
    temperature: read(values.temperature, '--temperature', 0, 2, DEFAULT_SAMPLING.temperature),
    topP: read(values['top-p'], '--top-p', 0, 1, DEFAULT_SAMPLING.topP),
    topK: values['top-k'] === undefined ? DEFAULT_SAMPLING.topK : wholeNumber(values['top-k'], '--top-k', 0),
    seed: values.seed === undefined ? DEFAULT_SAMPLING.seed : wholeNumber(values.seed, '--seed', 0) >>> 0,
  }
}

// The README's table of peers joins measured figures with what their own documents and issues say.

import { FLASH, LLAMA_VARIANTS } from '../../bench/lib/result-types.ts'
import { best, variantNames } from '../../bench/lib/rounds.ts'
import { table } from '../../tools/markdown.ts'
import { readResults } from './bench-results.ts'

const LLAMA = 'https://github.com/ggml-org/llama.cpp'
const LLAMA_README = `${LLAMA}/blob/master/tools/server/README.md`
const WLLAMA = 'https://github.com/ngxson/wllama'
const OLLAMA = 'https://github.com/ollama/ollama'
const WORKERS_AI = 'https://developers.cloudflare.com/workers-ai'

const PEERS = ['llama-server', 'wllama', 'Ollama', 'Workers AI']

/** Cells in the order of PEERS; a link is the source of what is said of a peer. */
const STATED: [what: string, islet: string, ...peers: string[]][] = [
  [
    'runs in a Workers isolate',
    '**yes**',
    'no',
    `no: [needs Web Workers](${WLLAMA})`,
    'no',
    "beside it, on the platform's GPUs",
  ],
  [
    'weights of your own',
    'what fits the isolate',
    'any GGUF',
    'any GGUF',
    'any GGUF',
    `[LoRA, on selected models](${WORKERS_AI}/features/fine-tunes/loras/)`,
  ],
  [
    'an answer under a schema validates, even cut by `max_tokens`',
    '**yes**; what cannot be held is a 400',
    `no: [unknown keywords are skipped](${LLAMA}/issues/19051)`,
    'as llama-server',
    'as llama-server',
    `[not promised, and not streamed](${WORKERS_AI}/features/json-mode/)`,
  ],
  [
    'typed decisions with probabilities',
    '**`/v1/decisions`**',
    'no',
    'a function',
    'no',
    'by models of its own',
  ],
  [
    'sessions and their prompts outlive a killed process',
    '**yes**',
    `[by hand, not across a restart](${LLAMA}/issues/26676)`,
    'no',
    'no',
    `[a cache, for some models](${WORKERS_AI}/features/prompt-caching/)`,
  ],
  ['a broken stream is read on', '**yes**', 'with a header of its own', '-', 'no', 'no'],
  [
    'same logits cold or warm, alone or in a batch',
    '**bit for bit**',
    `[not guaranteed](${LLAMA_README})`,
    'not guaranteed',
    'not guaranteed',
    'not stated',
  ],
  [
    'what fell out of the window',
    '**told in every reply**',
    `[an error, or a shift](${LLAMA}/pull/15416)`,
    'an error, or a shift',
    `[cut in silence](${OLLAMA}/issues/5902)`,
    'an error',
  ],
  [
    'HTTP APIs',
    "OpenAI's four, Anthropic's, Ollama's",
    `[OpenAI\'s, Anthropic\'s](${LLAMA_README})`,
    'none',
    `[its own, OpenAI\'s, Anthropic\'s](${OLLAMA}/tree/main/docs)`,
    `[its own, OpenAI\'s chat and responses](${WORKERS_AI}/configuration/open-ai-compatibility/)`,
  ],
  [
    'keys; metrics',
    'yes; yes',
    'yes; yes',
    '-',
    `[no](${OLLAMA}/issues/1053); [no](${OLLAMA}/issues/3144)`,
    'yes; a dashboard',
  ],
]

/** The block `peers`, out of the results in `folder`. */
export function peerBlocks(folder: string): [name: string, text: string][] {
  const { speed, peers } = readResults(folder)
  const cell = (
    result: { runs: Parameters<typeof best>[0] } | undefined,
    variants: readonly string[],
    name: string,
  ): string => {
    const fastest = result && best(result.runs, variants, name)
    return fastest === undefined ? 'not measured' : fastest.speed.toFixed(0)
  }
  const wllamas = peers === undefined ? [] : variantNames(peers.runs).filter((name) => name !== 'ours')
  const measured = ['prefill:256', 'decode:64@256'].map((name) => [
    name.startsWith('prefill') ? 'prefill of 256 tokens, tokens a second' : 'decode, tokens a second',
    `**${cell(speed, ['ours'], name)}**`,
    cell(speed, LLAMA_VARIANTS, name),
    cell(peers, wllamas, name),
    'not measured',
    'not measured',
  ])
  const versions = [...new Set(wllamas.map((name) => name.replace(FLASH, '').replace('wllama ', '')))]
  const how = [
    'SmolLM2-135M on one thread of one machine, each peer at its best of what was tried:',
    `llama.cpp ${speed?.llama.release} called directly, on the same file and on one in Q4_0; wllama ${versions.join(' and ')} in headless Chromium.`,
    'Ours goes through HTTP. A link is where the peer says it, or where its users do. [How it is measured](docs/performance.md)',
  ].join(' ')
  return [
    ['peers', `${table(['', 'Islet', ...PEERS], [...measured, ...STATED], 1 + PEERS.length + 1)}\n\n${how}`],
  ]
}

// The matrices of three models: sizes as their config.json gives them, shapes as every family here stores them.

/** (rows, cols) of y = W x; `count` of them in the model. */
export type Shape = { model: string; name: string; rows: number; cols: number; count: number }

type Sizes = {
  hidden: number
  ffn: number
  layers: number
  heads: number
  kvHeads: number
  vocab: number
}

/** num_key_value_heads is absent from the first LLaMA's: as many as heads. */
const MODELS: Record<string, Sizes> = {
  'SmolLM2-135M': { hidden: 576, ffn: 1536, layers: 30, heads: 9, kvHeads: 3, vocab: 49152 },
  'Qwen2.5-0.5B': { hidden: 896, ffn: 4864, layers: 24, heads: 14, kvHeads: 2, vocab: 151936 },
  'LLaMA-7B': { hidden: 4096, ffn: 11008, layers: 32, heads: 32, kvHeads: 32, vocab: 32000 },
}

/** Every shape once for each model; matrices of equal shape are counted together. */
export const SHAPES: readonly Shape[] = Object.entries(MODELS).flatMap(([model, sizes]) => {
  const { hidden, ffn, layers, heads, kvHeads, vocab } = sizes
  const kv = (hidden / heads) * kvHeads
  const all = [
    { name: 'q, o', rows: hidden, cols: hidden, count: 2 * layers },
    { name: 'k, v', rows: kv, cols: hidden, count: 2 * layers },
    { name: 'gate, up', rows: ffn, cols: hidden, count: 2 * layers },
    { name: 'down', rows: hidden, cols: ffn, count: layers },
    { name: 'head', rows: vocab, cols: hidden, count: 1 },
  ]
  const merged = kv === hidden ? [{ ...all[0], name: 'q, k, v, o', count: 4 * layers }, ...all.slice(2)] : all
  return merged.map((shape) => ({ model, ...shape }))
})

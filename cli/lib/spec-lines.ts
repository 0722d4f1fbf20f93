// This file writes a spec in words, for `inspect`.

import type { LayerKind, ModelSpec, Position } from '../../src/models/spec.ts'

/** Sizes, then what sets the family apart, a line each. */
export function specLines(spec: ModelSpec): string {
  const { attention, norm, mlp } = spec
  const kinds = attention.kinds.map((kind, index) => {
    const layers =
      attention.kindOfLayer === undefined
        ? 'all layers'
        : `${attention.kindOfLayer.filter((each) => each === index).length} layers`
    return `${layers}: ${kindWords(kind)}`
  })
  const apart = apartWords(spec)
  return [
    `${spec.family}: ${spec.layers} layers, hidden ${spec.hidden}, ffn ${spec.ffn}, ${spec.heads} heads and ${spec.kvHeads} KV heads of ${spec.headDim}`,
    `vocabulary ${spec.vocab}, ${spec.head.tied ? 'tied' : 'separate'} head, context ${spec.context}, ${norm.kind === 'rms' ? 'RMS' : 'layer'} norm with epsilon ${norm.eps}, ${mlp.kind} MLP with ${mlp.activation}`,
    ...kinds,
    ...(apart.length > 0 ? [apart.join(', ')] : []),
  ].join('\n')
}

/** What a spec has beyond norms before each sublayer, attention without biases and an MLP. */
export function apartWords(spec: ModelSpec): string[] {
  const { attention, norm, mlp } = spec
  const { qkv, out } = attention.bias
  const biases = [
    ...(qkv ? ['q, k, v'] : []),
    ...(out ? ['the output'] : []),
    ...(mlp.bias ? ['the MLP'] : []),
  ]
  return [
    ...(norm.post ? ['norms before and after each sublayer'] : []),
    ...(spec.residual === undefined ? [] : [`residual of the normed input x ${spec.residual.toFixed(4)}`]),
    ...(biases.length > 0 ? [`biases on ${biases.join(' and ')}`] : []),
    ...(attention.qkNorm ? ['QK norm'] : []),
    ...(attention.logn === undefined ? [] : [`LogN from ${attention.logn} positions on`]),
    ...(spec.embeddingScale === 1 ? [] : [`embeddings x ${spec.embeddingScale.toFixed(4)}`]),
    ...(spec.head.normalised ? ['normalised head'] : []),
    ...(spec.prefix === undefined ? [] : ['a prefix that sees itself both ways']),
  ]
}

/** How a kind of layer knows positions, and what it sees of them. */
export function kindWords({ window, position }: LayerKind): string {
  return `${positionWords(position)}${window === undefined ? '' : `, a sliding window of ${window}`}`
}

/** Rotary base and scaling, or ALiBi. */
function positionWords(position: Position): string {
  if (position.kind === 'alibi') return `ALiBi up to ${position.maxBias}`
  const { base, rotaryDim } = position
  if (position.kind === 'rope2d')
    return `rotary base ${base} over ${rotaryDim} dimensions, in the text and in the answer`
  const { scaling } = position
  const how =
    scaling.kind === 'none'
      ? ''
      : scaling.kind === 'ntk'
        ? `, dynamic NTK beyond ${scaling.trained}`
        : `, scaled ${scaling.kind} by ${scaling.factor}`
  return `rotary base ${base} over ${rotaryDim} dimensions${how}`
}

// Which chat format a checkpoint is given, by what its files say.

import { describe, expect, it } from 'vitest'
import {
  chatNamed,
  checkChat,
  chatOfFolder,
  chatOfGguf,
  type FolderFacts,
} from '../../src/packing/chat-format.ts'
import { FAMILY_TEMPLATES } from '../../src/packing/family-templates.ts'
import { renderPrompt } from '../../src/chat/template.ts'

const folder = (facts: Partial<FolderFacts>) =>
  chatOfFolder(undefined, {
    config: undefined,
    tokenizer: {},
    generation: undefined,
    code: '',
    iceText: false,
    sentencePiece: true,
    name: '',
    ...facts,
  })
const builtin = (format: string, more = {}) => ({ kind: 'builtin', format, ...more })
const NONE = { kind: 'none' }

describe('a folder', () => {
  const glm = { model_type: 'chatglm' }
  const baichuan = { model_type: 'baichuan', architectures: ['BaichuanForCausalLM'] }
  const roles = { user_token_id: 195, assistant_token_id: 196, max_new_tokens: 2048 }
  const ids = { userId: 195, assistantId: 196, maxNewTokens: 2048 }
  it.each<[string, Partial<FolderFacts>, object]>([
    ['ChatGLM by its positions', { config: { ...glm, position_encoding_2d: true } }, builtin('chatglm1')],
    [
      'ChatGLM by its vocabulary',
      { tokenizer: { tokenizer_class: 'ChatGLMTokenizer' }, iceText: true },
      builtin('chatglm1'),
    ],
    ['ChatGLM2', { config: glm }, builtin('chatglm2')],
    ['ChatGLM3 by its code', { config: glm, code: '"<|observation|>"' }, builtin('chatglm3')],
    [
      'ChatGLM3 by its config',
      { config: { ...glm, _name_or_path: 'THUDM/chatglm3-6b' } },
      builtin('chatglm3'),
    ],
    [
      'ChatGLM3 by its name',
      { tokenizer: { tokenizer_class: 'ChatGLMTokenizer' }, name: 'ChatGLM3-6B' },
      builtin('chatglm3'),
    ],
    [
      'Qwen',
      { config: { model_type: 'qwen' }, generation: { chat_format: 'chatml', max_window_size: 24000 } },
      builtin('qwen1', { maxLength: 24000 }),
    ],
    [
      'Qwen by its tokenizer',
      { tokenizer: { tokenizer_class: 'QWenTokenizer', model_max_length: 32768 } },
      builtin('qwen1'),
    ],
    ['Qwen base', { config: { model_type: 'qwen' }, generation: { chat_format: 'raw' } }, NONE],
    [
      'Baichuan-13B-Chat',
      { config: { ...baichuan, vocab_size: 64000, model_max_length: 4096 }, generation: roles },
      builtin('baichuan1', { ...ids, maxLength: 4096 }),
    ],
    [
      'Baichuan2-Chat',
      {
        config: { ...baichuan, vocab_size: 125696 },
        tokenizer: { model_max_length: 4096 },
        generation: roles,
      },
      builtin('baichuan2', { ...ids, maxLength: 4096 }),
    ],
    [
      'Baichuan2 base',
      { config: { ...baichuan, vocab_size: 125696 }, generation: { max_new_tokens: 2048 } },
      NONE,
    ],
    ['Baichuan-7B', { config: { ...baichuan, architectures: ['BaiChuanForCausalLM'] } }, NONE],
    [
      'Baichuan2 by its name',
      { config: { ...baichuan, vocab_size: 512 }, name: 'baichuan2-7b' },
      builtin('baichuan2'),
    ],
    ['LLaMA-1', { config: { model_type: 'llama' } }, NONE],
    ['Llama-2', { config: { model_type: 'llama', num_key_value_heads: 2 } }, builtin('llama2')],
    ['a LLaMA tokenizer alone', { tokenizer: { tokenizer_class: 'LlamaTokenizer' } }, builtin('llama2')],
    [
      'a llama model with another tokenizer',
      {
        config: { model_type: 'llama', num_key_value_heads: 2 },
        tokenizer: { tokenizer_class: 'GPT2Tokenizer' },
      },
      NONE,
    ],
    [
      'a base model by its name',
      { config: { model_type: 'llama', num_key_value_heads: 2 }, name: 'llama2-base' },
      NONE,
    ],
    [
      'Mistral without its template',
      { config: { model_type: 'mistral', num_key_value_heads: 2 } },
      { kind: 'jinja', template: FAMILY_TEMPLATES.get('mistral') },
    ],
    [
      'an endless length',
      { tokenizer: { tokenizer_class: 'BaichuanTokenizer', model_max_length: 1e30 } },
      builtin('baichuan1'),
    ],
    ['nothing at all', {}, NONE],
  ])('%s', (_, facts, chat) => {
    expect(folder(facts)).toEqual(chat)
  })

  it('has the template in its files first of all', () => {
    const facts = {
      config: glm,
      tokenizer: {},
      generation: {},
      code: '',
      iceText: false,
      sentencePiece: true,
      name: '',
    }
    expect(chatOfFolder('t', facts)).toEqual({ kind: 'jinja', template: 't' })
    expect(chatOfFolder('', facts)).toEqual(builtin('chatglm2'))
  })
})

describe('GGUF metadata', () => {
  const metadata = (architecture: string, name: string, more = {}) => ({
    'general.architecture': architecture,
    'general.name': name,
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': [],
    ...more,
  })
  it.each([
    [metadata('chatglm', 'x'), builtin('chatglm2')],
    [metadata('chatglm', 'x', { 'tokenizer.ggml.tokens': ['<|observation|>'] }), builtin('chatglm3')],
    [metadata('qwen', 'Qwen-7B-Chat'), builtin('qwen1')],
    [
      metadata('baichuan', 'Baichuan2-7B-Chat', { 'tokenizer.ggml.tokens': new Array(125696) }),
      builtin('baichuan2'),
    ],
    [
      metadata('baichuan', 'x', { 'tokenizer.ggml.tokens': new Array(64000), 'baichuan.block_count': 40 }),
      builtin('baichuan1'),
    ],
    [
      metadata('baichuan', 'x', { 'tokenizer.ggml.tokens': new Array(64000), 'baichuan.block_count': 32 }),
      NONE,
    ],
    [metadata('baichuan', 'Baichuan2-7B-Base', { 'tokenizer.ggml.tokens': new Array(125696) }), NONE],
    [metadata('llama', 'LLaMA v2'), builtin('llama2')],
    [metadata('llama', 'llama-7b'), NONE],
    [metadata('llama', 'mistral'), NONE],
    [metadata('llama', 'llama3', { 'tokenizer.ggml.model': 'gpt2' }), NONE],
    [metadata('llama', 'llama2', { 'tokenizer.chat_template': 't' }), { kind: 'jinja', template: 't' }],
    [
      metadata('llama', 'x', {
        'tokenizer.chat_template': 't',
        'tokenizer.chat_templates': ['tool_use', 'rag'],
        'tokenizer.chat_template.tool_use': 'u',
        'tokenizer.chat_template.rag': 'r',
      }),
      { kind: 'jinja', template: 't', toolTemplate: 'u' },
    ],
    [metadata('qwen2', 'x'), { kind: 'jinja', template: FAMILY_TEMPLATES.get('qwen2') }],
    [metadata('gemma3', 'x'), { kind: 'jinja', template: FAMILY_TEMPLATES.get('gemma3') }],
    [metadata('mamba', 'x'), NONE],
  ])('%#', (facts, chat) => {
    expect(chatOfGguf(facts)).toEqual(chat)
  })
})

it('a template for tools that no chat could use is refused as the other is', () => {
  const chat = { kind: 'jinja' as const, template: 'x', toolTemplate: '{% if %}' }
  expect(() => checkChat({ chat, chatFile: 'model.gguf' })).toThrow('model.gguf')
})

it('a person may name another format, and its facts stay', () => {
  const found = folder({ tokenizer: { tokenizer_class: 'BaichuanTokenizer', model_max_length: 64 } })
  expect(chatNamed('baichuan2', found)).toEqual(builtin('baichuan2', { maxLength: 64 }))
  expect(chatNamed('qwen1', { kind: 'jinja', template: 't' })).toEqual(builtin('qwen1'))
  expect(chatNamed('none', found)).toEqual(NONE)
  expect(() => chatNamed('toString', found)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})

describe('templates of families', () => {
  const messages = [
    { role: 'system', content: 'S' },
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' },
  ] as const
  const render = (family: string, from: number) =>
    renderPrompt(FAMILY_TEMPLATES.get(family)!, messages.slice(from), { bosToken: '<s>', eosToken: '</s>' })

  it('say the turns as the chat models were trained on them', () => {
    expect(render('qwen3', 1)).toBe(
      '<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\n',
    )
    expect(render('gemma3', 1)).toBe(
      '<s><start_of_turn>user\none<end_of_turn>\n<start_of_turn>model\ntwo<end_of_turn>\n<start_of_turn>user\nthree<end_of_turn>\n<start_of_turn>model\n',
    )
    expect(render('mistral', 1)).toBe('<s>[INST] one [/INST] two</s>[INST] three [/INST]')
  })

  it('put a system message where each family has it', () => {
    expect(render('qwen2', 0)).toMatch(/^<\|im_start\|>system\nS<\|im_end\|>\n<\|im_start\|>user\none/)
    expect(render('gemma3_text', 0)).toMatch(/^<s><start_of_turn>user\nS\n\none<end_of_turn>/)
    expect(render('mistral', 0)).toMatch(/^<s>\[INST\] S\n\none \[\/INST\] two/)
  })
})

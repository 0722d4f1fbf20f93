// These templates serve checkpoints that have lost the one of their family. They write plain turns alone,
// without tools.

/** Qwen 1.5, 2, 2.5 and 3. */
const CHATML =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}" +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'

/** BOS, then `first` and `turns`: a system message goes in front of the first question. */
const SYSTEM_FIRST =
  "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}" +
  "{% set turns = messages[1:] %}{% else %}{% set first = '' %}{% set turns = messages %}{% endif %}"

/** Gemma 3. */
const GEMMA =
  SYSTEM_FIRST +
  "{% for message in turns %}<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n" +
  "{{ first if loop.first else '' }}{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}" +
  '{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}'

/** Mistral. */
const MISTRAL =
  SYSTEM_FIRST +
  "{% for message in turns %}{% if message['role'] == 'assistant' %} {{ message['content'] }}{{ eos_token }}" +
  "{% else %}[INST] {{ first if loop.first else '' }}{{ message['content'] }} [/INST]{% endif %}{% endfor %}"

/** By `model_type` of config.json and by GGUF architecture. */
export const FAMILY_TEMPLATES: ReadonlyMap<unknown, string> = new Map([
  ['qwen2', CHATML],
  ['qwen3', CHATML],
  ['gemma3_text', GEMMA],
  ['gemma3', GEMMA],
  ['mistral', MISTRAL],
])

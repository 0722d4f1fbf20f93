// The list of clients names each real client, its pinned packages and its programs, for `npm run clients`.

import type { CHECKS } from './answers.ts'

/** A program of the cookbook. */
export type Program = {
  file: string
  /** Its heading, where that is not the client's title. */
  title?: string
  /** What it prints, which is checked; answers to the questions of all programs unless said otherwise. */
  prints?: keyof typeof CHECKS
  /** What a reader should know beside it. */
  notes?: readonly string[]
}

/** What `npm run clients` knows of one client. */
export type Client = {
  /** The name of its files, without their ending. */
  id: string
  title: string
  /** Where its packages are installed: all of Node's in one folder, Python's in one each, since their pins disagree. */
  language: 'node' | 'python'
  /** Pinned packages, as the language's installer has them. The first one is the client. */
  packages: readonly string[]
  /** Its shortest programs, in clients/cookbook. */
  programs?: readonly Program[]
  /** Its scenarios, in clients/scenarios. */
  scenarios?: string
  /** Further scenarios, where one file would be too long: talk and errors. */
  talk?: string
}

export const CLIENTS: readonly Client[] = [
  {
    id: 'openai-node',
    title: 'openai for Node',
    language: 'node',
    packages: ['openai@7.59.0', 'zod@4.6.7'],
    programs: [
      { file: 'openai-node.mjs' },
      { file: 'conversation.mjs', title: 'A conversation that is kept', prints: 'conversation' },
    ],
    scenarios: 'openai-node.mjs',
    talk: 'openai-node-talk.mjs',
  },
  {
    id: 'openai-python',
    title: 'openai for Python',
    language: 'python',
    packages: ['openai==3.57.0'],
    programs: [
      { file: 'openai-python.py' },
      {
        file: 'scores.py',
        title: 'Several answers, and scores',
        prints: 'scores',
        notes: [
          'Scores are what evaluation harnesses ask for ([api.md](api.md#post-v1completions)). Where an answer is one of some options, [decisions](decisions.md) say it with probabilities.',
        ],
      },
    ],
    scenarios: 'openai-python.py',
    talk: 'openai-python-talk.py',
  },
  {
    id: 'ai-sdk',
    title: 'AI SDK',
    language: 'node',
    packages: ['ai@7.0.173', '@ai-sdk/openai-compatible@3.0.92', '@ai-sdk/openai@4.0.118', 'zod@4.6.7'],
    programs: [
      {
        file: 'ai-sdk.mjs',
        notes: [
          'Without `supportsStructuredOutputs: true` this provider sends `json_object` and the schema nowhere. `createOpenAI({ baseURL }).chat(model)` and `createOpenAI({ baseURL })(model)`, which uses responses, send it as they are.',
        ],
      },
      {
        file: 'islet-fetch.mjs',
        title: 'AI SDK with islet/fetch',
        notes: [
          '`npm install` takes `islet` from this repository, or copy `published/fetch.js` ([sessions.md](sessions.md#in-clients-that-cannot-isletfetch)).',
        ],
      },
    ],
    scenarios: 'ai-sdk.mjs',
  },
  {
    id: 'langchain-node',
    title: 'LangChain for Node',
    language: 'node',
    packages: ['@langchain/openai@1.6.0', '@langchain/core@1.4.0', 'zod@4.6.7'],
    programs: [
      {
        file: 'langchain-node.mjs',
        notes: ["`method: 'jsonMode'` sends no schema: JSON comes, of any shape."],
      },
    ],
    scenarios: 'langchain-node.mjs',
  },
  {
    id: 'langchain-python',
    title: 'LangChain for Python',
    language: 'python',
    packages: ['langchain-openai==1.7.4'],
    programs: [
      {
        file: 'langchain-python.py',
        notes: ['`method="json_mode"` sends no schema: JSON comes, of any shape.'],
      },
    ],
    scenarios: 'langchain-python.py',
  },
  {
    id: 'pydantic-ai',
    title: 'pydantic-ai',
    language: 'python',
    packages: ['pydantic-ai-slim[openai]==2.68.0'],
    programs: [
      {
        file: 'pydantic-ai.py',
        notes: [
          '`NativeOutput` sends the schema as `response_format`; a bare `output_type=Ticket` and `ToolOutput` make it a call that must come. Both are held. `PromptedOutput` writes the schema into the prompt alone, which a small model does not keep to.',
        ],
      },
    ],
    scenarios: 'pydantic-ai.py',
  },
  {
    id: 'instructor-python',
    title: 'instructor for Python',
    language: 'python',
    packages: ['instructor==1.17.0'],
    programs: [
      {
        file: 'instructor-python.py',
        notes: ['`Mode.JSON` and `Mode.MD_JSON` write the schema into the prompt alone.'],
      },
    ],
    scenarios: 'instructor-python.py',
  },
  {
    id: 'instructor-node',
    title: 'instructor for Node',
    language: 'node',
    packages: ['@instructor-ai/instructor@1.7.0', 'openai@7.59.0', 'zod@4.6.7'],
    programs: [
      {
        file: 'instructor-node.mjs',
        notes: ['Schemas must be of zod 3 (`zod/v3`): of one of zod 4 this client sends `{}`.'],
      },
    ],
    scenarios: 'instructor-node.mjs',
  },
  {
    id: 'llm',
    title: 'llm',
    language: 'python',
    packages: ['llm==0.36'],
    programs: [
      {
        file: 'llm.sh',
        notes: [
          'Without `supports_schema: true` it refuses `--schema`, without `supports_tools: true` tools. It cannot force a tool.',
        ],
      },
    ],
    scenarios: 'llm.py',
  },
  {
    id: 'openai-agents',
    title: 'OpenAI Agents SDK',
    language: 'node',
    packages: ['@openai/agents@0.20.0', 'openai@7.59.0', 'zod@4.6.7'],
    scenarios: 'openai-agents.mjs',
  },
  {
    id: 'litellm',
    title: 'litellm',
    language: 'python',
    packages: ['litellm==1.110.2'],
    scenarios: 'litellm.py',
  },
  {
    id: 'llama-index',
    title: 'llama-index (OpenAILike)',
    language: 'python',
    packages: ['llama-index-llms-openai-like==0.8.1'],
    scenarios: 'llama-index.py',
  },
  {
    id: 'outlines',
    title: 'outlines',
    language: 'python',
    packages: ['outlines==1.3.3', 'openai==3.57.0'],
    scenarios: 'outlines.py',
  },
  {
    id: 'anthropic-node',
    title: "Anthropic's client for Node, and the AI SDK's",
    language: 'node',
    packages: ['@anthropic-ai/sdk@1.14.0', '@ai-sdk/anthropic@4.0.105', 'ai@7.0.173', 'zod@4.6.7'],
    programs: [
      {
        file: 'anthropic-node.mjs',
        title: "Anthropic's client for Node",
        notes: [
          'The base URL has no `/v1`: this client puts it there. `messages.parse` writes `maxLength` into a description instead of the schema, so that it is not held.',
        ],
      },
    ],
    scenarios: 'anthropic-node.mjs',
  },
  {
    id: 'anthropic-python',
    title: "Anthropic's client for Python",
    language: 'python',
    packages: ['anthropic==2.14.0'],
    programs: [{ file: 'anthropic-python.py' }],
    scenarios: 'anthropic-python.py',
  },
  {
    id: 'ollama',
    title: "Ollama's client",
    language: 'node',
    packages: ['ollama@0.6.4'],
    programs: [
      {
        file: 'ollama.mjs',
        notes: ['Ollama has no word for a call that must come: `tools` are called at will.'],
      },
    ],
    scenarios: 'ollama.mjs',
  },
  {
    id: 'lm-eval',
    title: 'lm-eval (local-completions)',
    language: 'python',
    packages: ['lm-eval[api]==0.4.13', 'transformers==5.18.0', 'gguf==0.19.0'],
    scenarios: 'lm-eval.py',
  },
  {
    id: 'embeddings-node',
    title: 'Vectors: openai, AI SDK and LangChain for Node',
    language: 'node',
    packages: [
      'openai@7.59.0',
      'ai@7.0.173',
      '@ai-sdk/openai-compatible@3.0.92',
      '@langchain/openai@1.6.0',
      '@langchain/core@1.4.0',
      'zod@4.6.7',
    ],
    programs: [
      {
        file: 'embeddings-node.mjs',
        title: 'Vectors',
        prints: 'likeness',
        notes: [
          'The model must declare a pooling, as the default one does ([embeddings.md](embeddings.md)). LangChain needs `check_embedding_ctx_length=False` in Python, so that it sends texts.',
        ],
      },
    ],
    scenarios: 'embeddings-node.mjs',
  },
  {
    id: 'embeddings-python',
    title: 'Vectors: openai, LangChain and llama-index for Python',
    language: 'python',
    packages: ['langchain-openai==1.7.4', 'llama-index-embeddings-openai-like==0.4.0'],
    scenarios: 'embeddings-python.py',
  },
]

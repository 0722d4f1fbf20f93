// An error of Ollama's is one text, as the body of a status or as the last line of a stream.

import type { Failure } from '../../http/errors.ts'

export function ollamaErrorBody({ message }: Pick<Failure, 'message'>): { error: string } {
  return { error: message }
}

// src/binding/client.ts, made by tools/publish.ts
/**
 * The service as `env.AI` is. RPC carries no AbortSignal: it stays here, and an abort cancels the stream of the answer, which a
 * reply that is not streamed is read from too. Its own methods (`chat`, `decide`, ...) are called on the service itself.
 */
export declare function workersAI(service: object): Ai;

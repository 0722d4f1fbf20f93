// src/fetch/fetch.ts, made by tools/publish.ts
type Fetch = typeof globalThis.fetch;
export type ReadingOn = {
    /** The fetch that asks; that of the platform without it. */
    fetch?: Fetch;
    /** How often a stream is asked for again until one brings something new. */
    tries?: number;
    /** Milliseconds before the first try; each one behind waits twice as long, 8 s at most. */
    wait?: number;
};
/**
 * A fetch whose streamed answers of Islet come whole: where one breaks off before its last frame, it is read on at its session
 * (`/v1/sessions/ID/stream?after=N`) with the same headers, frame by frame, none twice and none left out. Whatever is no
 * such stream passes through as it is. The stream fails as it broke when no try brings it on, when the session is gone or went on
 * with another turn, and at once when the request is aborted.
 */
export declare function readingOn({ fetch, tries, wait }?: ReadingOn): Fetch;
/** The fetch with what is usual. */
export declare const fetch: Fetch;
export {};

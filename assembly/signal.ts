// These two words let workerd and an instance talk, and are found by the names of the exports. Kernels never
// touch them: src/kernels/wasm.ts reads them from outside.

/** Address of an i32: 24 (SIGXCPU) once the request's CPU time is nearly used up. */
export const __instance_signal: usize = memory.data(4, 4)

/**
 * Address of an i32: not 0 once nobody listens any more; until then workerd holds on to the whole linear
 * memory.
 */
export const __instance_terminated: usize = memory.data(4, 4)

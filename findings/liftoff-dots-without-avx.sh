#!/usr/bin/env bash
# On x86 without AVX, V8's baseline compiler gives wrong products for two SIMD instructions of WebAssembly.
#
# Versions: Node 22.23.3 (package node), x86-64; `--no-enable-avx` stands for a processor without AVX.
#
# What one would guess: both instructions are exact within their definition, and the compilers agree. With TurboFan, or with AVX, they do.
#
# What happens: where the register of an operand is free to take the result, Liftoff moves the other operand into it before it has been read.
# i16x8.relaxed_dot_i8x16_i7x16_s then computes (b, b) for (a, b), i16x8.extmul_high_i8x16_s computes (a, a). The second is standard
# SIMD with one meaning everywhere. Nothing fails; sums are wrong until the function is compiled again by TurboFan.
#
# Output seen (-3 x 100: two products of the dot, one of extmul):
#   AVX                  dot -600, extmul -300
#   no AVX, TurboFan     dot -600, extmul -300
#   no AVX, Liftoff      dot 20000, extmul 9
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo 'needs x86-64' >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact node@22.23.3 > npm.log 2>&1 || { cat npm.log; exit 1; }

cat > run.mjs <<'JS'
// (func (param i32 i32) (result i32) A (i8x16.splat (local.get 1)) OP (i16x8.extract_lane_s 0)), where A is a value or a local
const splat = [0x20, 0, 0xfd, 15] // (i8x16.splat (local.get 0))
const withOp = (a, ...op) => {
  const code = [1, 1, 123, ...a, 0x20, 1, 0xfd, 15, 0xfd, ...op, 0xfd, 24, 0, 0x0b]
  const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0]
  const module = new WebAssembly.Module(new Uint8Array([...bytes, 10, code.length + 2, 1, code.length, ...code]))
  return new WebAssembly.Instance(module).exports.f
}
const dot = withOp(splat, 0x92, 2) // i16x8.relaxed_dot_i8x16_i7x16_s
const extmul = withOp([...splat, 0x22, 2], 0x9d, 1) // i16x8.extmul_high_i8x16_s
console.log(`dot ${dot(-3, 100)}, extmul ${extmul(-3, 100)}`)
JS
run() { printf '%-20s ' "$1"; shift; node_modules/.bin/node "$@" run.mjs; }
{
  run 'AVX'
  run 'no AVX, TurboFan' --no-enable-avx --no-liftoff
  run 'no AVX, Liftoff' --no-enable-avx --liftoff-only
} | tee seen.txt
cat > wanted.txt <<'TXT'
AVX                  dot -600, extmul -300
no AVX, TurboFan     dot -600, extmul -300
no AVX, Liftoff      dot 20000, extmul 9
TXT
diff wanted.txt seen.txt

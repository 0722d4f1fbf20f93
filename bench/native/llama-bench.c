// Times llama.cpp itself on one thread: prefill and decode of token ids given on the command line's case list.
//
//   llama-bench BACKENDS MODEL.gguf IDS.txt REPETITIONS CASE...      CASE = prefill:N | decode:M@N | decode:M@NxSEQUENCES
//
// IDS.txt: whitespace-separated token ids; repetition r starts r * STRIDE ids in, and wraps around.
// One JSON object on standard output; messages on standard error; exit 1 when anything fails.

#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ggml-backend.h"
#include "llama.h"

#define STRIDE 37
#define MAX_IDS 65536
#define MAX_SEQUENCES 64

typedef struct {
  int decode;  // tokens decoded one at a time, 0 = a prefill case
  int prompt;  // tokens in one batch before that
  int sequences;  // that decode together, a row each in one batch
} bench_case;

typedef struct {
  double wall;  // seconds
  double cpu;   // seconds of all threads of the process: about `wall` when one thread works
} elapsed;

static void fail(const char * what, const char * detail) {
  fprintf(stderr, "llama-bench: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static elapsed now(void) {
  return (elapsed) { seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID) };
}

static elapsed since(elapsed start) {
  const elapsed end = now();
  return (elapsed) { end.wall - start.wall, end.cpu - start.cpu };
}

static void print_warnings(enum ggml_log_level level, const char * text, void * data) {
  (void) data;
  if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static int read_ids(const char * path, llama_token * ids) {
  FILE * file = fopen(path, "r");
  if (!file) fail("cannot open", path);
  int count = 0;
  while (count < MAX_IDS && fscanf(file, "%d", &ids[count]) == 1) count++;
  fclose(file);
  if (count == 0) fail("no token ids in", path);
  return count;
}

static bench_case parse_case(const char * text) {
  bench_case parsed = { 0, 0, 1 };
  const bool known = sscanf(text, "prefill:%d", &parsed.prompt) == 1 ||
    sscanf(text, "decode:%d@%dx%d", &parsed.decode, &parsed.prompt, &parsed.sequences) >= 2;
  if (!known || parsed.prompt < 1 || parsed.decode < 0 || parsed.sequences < 1 || parsed.sequences > MAX_SEQUENCES)
    fail("not a case (prefill:N, decode:M@N or decode:M@NxSEQUENCES)", text);
  return parsed;
}

// Greedy by a plain loop: cheaper than the library's sampler chain, so it flatters llama.cpp if anyone.
static llama_token greedy(struct llama_context * context, int row, int vocab) {
  const float * logits = llama_get_logits_ith(context, row);
  llama_token best = 0;
  for (int id = 1; id < vocab; id++) {
    if (logits[id] > logits[best]) best = id;
  }
  return best;
}

static void put(struct llama_batch * batch, int row, llama_token id, int position, int sequence, bool has_logits) {
  batch->token[row] = id;
  batch->pos[row] = position;
  batch->n_seq_id[row] = 1;
  batch->seq_id[row][0] = sequence;
  batch->logits[row] = has_logits;
}

// Logits for the last token only (llama_batch_get_one's rule).
static void run_batch(struct llama_context * context, llama_token * ids, int count) {
  if (llama_decode(context, llama_batch_get_one(ids, count)) != 0) fail("llama_decode failed", NULL);
}

// Each sequence's prompt begins STRIDE tokens behind the one before.
static elapsed run_together(struct llama_context * context, bench_case todo, llama_token * prompt, int vocab) {
  llama_token next[MAX_SEQUENCES];
  struct llama_batch batch = llama_batch_init(todo.prompt > todo.sequences ? todo.prompt : todo.sequences, 0, 1);
  llama_memory_clear(llama_get_memory(context), true);
  for (int sequence = 0; sequence < todo.sequences; sequence++) {
    batch.n_tokens = todo.prompt;
    for (int i = 0; i < todo.prompt; i++) {
      put(&batch, i, prompt[(sequence * STRIDE + i) % todo.prompt], i, sequence, i == todo.prompt - 1);
    }
    if (llama_decode(context, batch) != 0) fail("llama_decode failed", NULL);
    next[sequence] = greedy(context, -1, vocab);
  }
  const elapsed start = now();
  batch.n_tokens = todo.sequences;
  for (int step = 0; step < todo.decode; step++) {
    for (int sequence = 0; sequence < todo.sequences; sequence++) {
      put(&batch, sequence, next[sequence], todo.prompt + step, sequence, true);
    }
    if (llama_decode(context, batch) != 0) fail("llama_decode failed", NULL);
    for (int sequence = 0; sequence < todo.sequences; sequence++) next[sequence] = greedy(context, sequence, vocab);
  }
  const elapsed took = since(start);
  llama_batch_free(batch);
  return took;
}

static elapsed run_case(struct llama_context * context, bench_case todo, llama_token * prompt, int vocab) {
  if (todo.sequences > 1) return run_together(context, todo, prompt, vocab);
  llama_memory_clear(llama_get_memory(context), true);
  elapsed start = now();
  run_batch(context, prompt, todo.prompt);
  llama_token next = greedy(context, -1, vocab);
  if (todo.decode == 0) return since(start);

  start = now();
  for (int step = 0; step < todo.decode; step++) {
    run_batch(context, &next, 1);
    next = greedy(context, -1, vocab);
  }
  return since(start);
}

// The backend that the loader chose for this CPU: the name of the mapped libggml-cpu-*.so.
static void print_backend(void) {
  FILE * maps = fopen("/proc/self/maps", "r");
  char line[4096];
  char name[256] = "unknown";
  while (maps && fgets(line, sizeof line, maps)) {
    const char * found = strstr(line, "libggml-cpu-");
    if (found && sscanf(found, "%255[^\n]", name) == 1) break;
  }
  if (maps) fclose(maps);
  printf("\"backend\":\"%s\",", name);
}

int main(int argc, char ** argv) {
  if (argc < 6) fail("usage: llama-bench BACKENDS MODEL.gguf IDS.txt REPETITIONS CASE...", NULL);
  llama_log_set(print_warnings, NULL);
  ggml_backend_load_all_from_path(argv[1]);

  static llama_token ids[MAX_IDS];
  static llama_token prompt[MAX_IDS];
  const int id_count = read_ids(argv[3], ids);
  const int repetitions = atoi(argv[4]);
  if (repetitions < 1) fail("REPETITIONS must be 1 or more", argv[4]);
  const int case_count = argc - 5;

  int longest = 0;
  int longest_prompt = 0;
  int most_sequences = 1;
  for (int c = 0; c < case_count; c++) {
    const bench_case todo = parse_case(argv[5 + c]);
    if (todo.prompt + todo.decode > longest) longest = todo.prompt + todo.decode;
    if (todo.sequences > most_sequences) most_sequences = todo.sequences;
    if (todo.prompt > longest_prompt) longest_prompt = todo.prompt;
  }
  if (longest > MAX_IDS) fail("case too long", NULL);

  struct llama_model_params model_params = llama_model_default_params();
  model_params.n_gpu_layers = 0;
  struct llama_model * model = llama_model_load_from_file(argv[2], model_params);
  if (!model) fail("cannot load", argv[2]);

  struct llama_context_params params = llama_context_default_params();
  params.n_ctx = (uint32_t) (longest * most_sequences);
  params.n_seq_max = (uint32_t) most_sequences;
  params.kv_unified = false; // one cache for all would have each sequence look at the others' positions
  params.n_batch = (uint32_t) longest_prompt;
  params.n_ubatch = 512;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
  struct llama_context * context = llama_init_from_model(model, params);
  if (!context) fail("cannot make a context", NULL);
  const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));

  printf("{\"system\":\"%s\",", llama_print_system_info());
  print_backend();
  printf("\"threads\":[%d,%d],\"cases\":[", llama_n_threads(context), llama_n_threads_batch(context));
  for (int c = 0; c < case_count; c++) {
    const bench_case todo = parse_case(argv[5 + c]);
    printf("%s{\"case\":\"%s\",\"runs\":[", c ? "," : "", argv[5 + c]);
    for (int r = -1; r < repetitions; r++) {  // r = -1 warms up
      for (int i = 0; i < todo.prompt; i++) prompt[i] = ids[((r + 1) * STRIDE + i) % id_count];
      const elapsed took = run_case(context, todo, prompt, vocab);
      if (r >= 0) printf("%s{\"seconds\":%.6f,\"cpuSeconds\":%.6f}", r ? "," : "", took.wall, took.cpu);
    }
    printf("]}");
  }
  printf("]}\n");
  llama_free(context);
  llama_model_free(model);
  return 0;
}

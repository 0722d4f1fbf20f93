// Requantises a GGUF file to Q4_0 by llama.cpp itself: the format of its fast, repacked kernels. Only speed is compared with
// the result, so that it was quantised twice does not matter.
//
//   llama-quantize BACKENDS IN.gguf OUT.gguf
//
// Layers become Q4_0; the embedding, which is also the head where the two are tied, and the head stay at Q8_0.
// Messages on standard error; exit 1 when anything fails.

#include <stdio.h>
#include <stdlib.h>

#include "ggml-backend.h"
#include "llama.h"

static void print_warnings(enum ggml_log_level level, const char * text, void * data) {
  (void) data;
  if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

int main(int argc, char ** argv) {
  if (argc != 4) {
    fputs("usage: llama-quantize BACKENDS IN.gguf OUT.gguf\n", stderr);
    return 1;
  }
  llama_log_set(print_warnings, NULL);
  ggml_backend_load_all_from_path(argv[1]);

  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = LLAMA_FTYPE_MOSTLY_Q4_0;
  params.allow_requantize = true;
  params.output_tensor_type = GGML_TYPE_Q8_0;
  params.token_embedding_type = GGML_TYPE_Q8_0;
  if (llama_model_quantize(argv[2], argv[3], &params) != 0) {
    fprintf(stderr, "llama-quantize: cannot requantise %s\n", argv[2]);
    return 1;
  }
  return 0;
}

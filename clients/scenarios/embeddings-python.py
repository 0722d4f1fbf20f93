# Clients of Python ask for vectors, unmodified: openai, LangChain and llama-index; the model must declare a pooling.

from math import sqrt

from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from openai import OpenAI
from scenarios import BASE_URL, MODEL, scenario

TEXTS = ["The parcel came late.", "The package was delayed.", "Cows eat grass."]
client = OpenAI(base_url=BASE_URL, api_key="none", max_retries=0)
langchain = OpenAIEmbeddings(model=MODEL, base_url=BASE_URL, api_key="none", max_retries=0, check_embedding_ctx_length=False)
llama_index = OpenAILikeEmbedding(model_name=MODEL, api_base=BASE_URL, api_key="none", max_retries=0)


def dot(one, other):
    return sum(a * b for a, b in zip(one, other))


def check(vectors):
    """Raises unless these are three vectors of length 1, the first two of them the most alike."""
    assert len(vectors) == 3
    for vector in vectors:
        assert abs(sqrt(dot(vector, vector)) - 1) < 1e-5
    assert dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2])


def vectors_of(**extra):
    return [each.embedding for each in client.embeddings.create(model=MODEL, input=TEXTS, **extra).data]


def same(vectors):
    assert vectors == vectors_of(encoding_format="float"), "numbers differ by the way in which they came"


def by_ids():
    try:
        OpenAIEmbeddings(model=MODEL, base_url=BASE_URL, api_key="none", max_retries=0, tiktoken_enabled=False, check_embedding_ctx_length=False).client.create(model=MODEL, input=[[1, 2]])
    except Exception as error:
        assert "check_embedding_ctx_length=False" in str(error), error
    else:
        raise AssertionError("token ids were taken")


scenario("embedding", "openai: three texts, base64", lambda: check(vectors_of()))
scenario("embedding", "openai: the same numbers as float", lambda: same(vectors_of()))
scenario("embedding", "LangChain: embed_documents", lambda: check(langchain.embed_documents(TEXTS)))
scenario("embedding", "LangChain: embed_query", lambda: same([langchain.embed_query(text) for text in TEXTS]))
scenario("embedding", "LangChain: token ids are refused", by_ids)
scenario("embedding", "llama-index: texts", lambda: check(llama_index.get_text_embedding_batch(TEXTS)))
scenario("embedding", "llama-index: one query", lambda: same([llama_index.get_query_embedding(text) for text in TEXTS]))

# outlines, unmodified: talk and values, through its models for OpenAI's servers and for vLLM's.

from typing import Literal

import openai
import outlines
from outlines.types import CFG, Regex
from scenarios import BASE_URL, MODEL, QUESTION, Ticket, scenario

client = openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0)
by_openai = outlines.from_openai(client, MODEL)
by_vllm = outlines.from_vllm(client, MODEL)


def among(said, allowed):
    assert said in allowed, said


scenario("object", "openai: a pydantic model", lambda: Ticket.model_validate_json(by_openai(QUESTION, Ticket, max_tokens=80)))
scenario("object", "vllm: a pydantic model", lambda: Ticket.model_validate_json(by_vllm(QUESTION, Ticket, max_tokens=80)))
scenario("object", "vllm: Literal", lambda: among(by_vllm(QUESTION, Literal["good", "bad"], max_tokens=10), ["good", "bad"]))
scenario("object", "vllm: a regex", lambda: among(by_vllm(QUESTION, Regex("(yes|no)"), max_tokens=10), ["yes", "no"]))
scenario("object", "vllm: a grammar", lambda: among(by_vllm(QUESTION, CFG('root ::= "<" [ab] ">"'), max_tokens=10), ["<a>", "<b>"]))
scenario("talk", "openai: free text", lambda: among(type(by_openai("Say hello.", max_tokens=8)), [str]))
scenario("talk", "openai: free text, streamed", lambda: among(type("".join(by_openai.stream("Say hello.", max_tokens=8))), [str]))

# instructor for Python: an answer by a schema, and one by a call that must come.

from typing import Literal

import instructor
from openai import OpenAI
from pydantic import BaseModel, Field

openai = OpenAI(base_url="http://127.0.0.1:8787/v1", api_key="none")


class Ticket(BaseModel):
    team: Literal["billing", "technical", "sales"]
    urgent: bool
    summary: str = Field(max_length=60)


for mode in [instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS]:
    client = instructor.from_openai(openai, mode=mode)
    answer = client.chat.completions.create(
        model="smollm2-135m-instruct",
        messages=[{"role": "user", "content": "I was charged twice this month!"}],
        response_model=Ticket,
    )
    print(answer.model_dump_json())

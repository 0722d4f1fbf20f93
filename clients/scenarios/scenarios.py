# This module runs scenarios of a client one by one, and prints what each came to for clients/run.ts.

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BASE_URL = "http://127.0.0.1:8787/v1"
MODEL = "smollm2-135m-instruct"

# The proxy of clients/run.ts breaks the first connection that brings a value of this header.
BREAK_ONCE = "x-break-once"

QUESTION = "I was charged twice this month, and I need my money back today!"
WAKE = "Wake me at half past seven."


class Ticket(BaseModel):
    """A ticket of the help desk."""

    team: Literal["billing", "technical", "sales"]
    urgent: bool = Field(description="whether the customer is in a hurry")
    summary: str = Field(max_length=60)


class Alarm(BaseModel):
    """Sets an alarm."""

    model_config = ConfigDict(title="set_alarm")
    hour: int = Field(ge=0, le=23)
    minute: int = Field(ge=0, le=59)


ALARM_TOOL = {
    "type": "function",
    "function": {"name": "set_alarm", "description": "Sets an alarm.", "parameters": Alarm.model_json_schema()},
}


def scenario(kind, name, run, miss=None):
    """Runs one scenario: it works when `run` ends without an error. `miss` says why it cannot, where that is known."""
    outcome = {"kind": kind, "name": name, "ok": True}
    try:
        run()
    except Exception as error:
        outcome["ok"] = False
        outcome["error"] = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        if miss is not None:
            outcome["miss"] = miss
    print("@outcome " + json.dumps(outcome), flush=True)


def check_ticket(value):
    """Raises unless `value`, a Ticket or what one is made of, is valid."""
    assert value is not None, "nothing came"
    Ticket.model_validate(value if isinstance(value, dict) else value.model_dump())


def check_alarm(value):
    """Raises unless `value` holds the arguments of set_alarm."""
    assert value is not None, "nothing came"
    if isinstance(value, str):
        Alarm.model_validate_json(value)
    else:
        Alarm.model_validate(value if isinstance(value, dict) else value.model_dump())

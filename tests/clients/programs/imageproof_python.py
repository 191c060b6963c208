"""The client that imageproof emits: OPERATION and its arguments as JSON come from the command line, as `clients.yaml`
says."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import imageproof_client as api
from clients.programs.told import Told

told = Told()
operation, given = sys.argv[1], json.loads(sys.argv[2])

with api.Client(os.environ["KEY"], base_url=os.environ["BASE_URL"]) as client:
    call: Any = client.images.edit if operation == "edit" else client.images.generate
    try:
        if given.get("stream"):
            with call(**given) as events:
                for event in events:
                    told.picture(event.to_bytes(), event.type)
        else:
            for one in call(**given).data:
                told.picture(one.to_bytes())
    except api.BadRequestError as error:
        told.error(error, api.BadRequestError)
told.say()

"""Runs a notebook (stdin) through Debian's nbclient, and prints what it stored beside every message that it got, in order."""
import datetime
import json
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

events = []


class Recorded(NotebookClient):
    async def async_start_new_kernel_client(self):
        client = await super().async_start_new_kernel_client()
        for channel in (client.iopub_channel, client.shell_channel):
            self.record(channel)
        execute = client.execute

        def noted(*args, **kwargs):
            msg_id = execute(*args, **kwargs)
            events.append({"begin": {"msgId": msg_id, "cell": str(self.index)}})
            return msg_id

        client.execute = noted
        return client

    def record(self, channel):
        get = channel.get_msg

        async def noted(*args, **kwargs):
            message = await get(*args, **kwargs)
            parts = ("header", "parent_header", "content")
            events.append({"message": {part: json.loads(json.dumps(message[part], default=iso)) for part in parts}})
            return message

        channel.get_msg = noted


def iso(value):
    assert isinstance(value, datetime.datetime), value
    return value.isoformat()


notebook = nbformat.reads(sys.stdin.read(), 4)
client = Recorded(notebook, kernel_name="python3", timeout=60)
client.on_cell_execute = lambda cell, cell_index: setattr(client, "index", cell_index)
with tempfile.TemporaryDirectory() as folder:
    client.resources = {"metadata": {"path": folder}}
    client.execute()
sys.stdout.write(json.dumps({"events": events, "notebook": nbformat.writes(notebook)}))

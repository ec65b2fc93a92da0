"""Debian's nbformat, asked over stdin and stdout: one JSON request a line, one JSON answer a line."""
import io
import json
import logging
import sys
import warnings

import nbformat
from nbformat.validator import iter_validate

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def written(notebook):
    file = io.StringIO()
    nbformat.write(notebook, file)
    return file.getvalue()


def answer(request):
    text = request["text"]
    if request["ask"] == "rewrite":
        return written(nbformat.reads(text, nbformat.NO_CONVERT))
    if request["ask"] == "upgrade":
        notebook = nbformat.v4.upgrade(nbformat.reads(text, nbformat.NO_CONVERT))
        for i, cell in enumerate(notebook.cells):
            cell.id = f"cell-{i}"
        return written(notebook)
    if request["ask"] == "errors":
        return [error.message for error in iter_validate(json.loads(text))]
    if request["ask"] == "lines":
        return text.splitlines(True)
    if request["ask"] == "json":
        try:
            return json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, indent=request["indent"])
        except ValueError:
            return None
    raise ValueError(request["ask"])


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.stdout.flush()

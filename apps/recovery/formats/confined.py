"""Cleaning of HTML that may be a bomb, in a process of its own with little time and memory.

HTML's rules for broken markup let 200 KB of tags become gigabytes of elements, or an hour of work. No count of
tags tells such mail from an honest newsletter; what it costs does.
"""

import base64
import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .letter_html import MAX_IMAGE_BYTES, clean_html, image_type

# Up to here the worst that HTML can do takes half a second.
HARMLESS_TAGS = 1_000
CPU_SECONDS = 5
WALL_SECONDS = 20
MEMORY_BYTES = 1_000_000_000
NOT_SHOWN = (
    "<p>The text of this message is built in a way that would take too long to show. "
    "Download the message to read it.</p>"
)
_ROOT = Path(__file__).resolve().parents[3]
_CHILD = f"from {__name__} import child; child()"


def clean_confined(source: str, images: Mapping[str, bytes]) -> str:
    """Return what `clean_html` does, or a sentence instead of what costs too much."""
    if source.count("<") <= HARMLESS_TAGS:
        return clean_html(source, images)
    asked = json.dumps({"source": source, "images": _wanted(images)}).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD],
            input=asked,
            capture_output=True,
            timeout=WALL_SECONDS,
            cwd=_ROOT,
            env={},  # a stranger's mail is read there: nothing of ours goes along
            check=False,
        )
    except subprocess.TimeoutExpired:
        return NOT_SHOWN
    return done.stdout.decode() if done.returncode == 0 else NOT_SHOWN


def _wanted(images: Mapping[str, bytes]) -> dict[str, str]:
    """Return the pictures that may be embedded, as text."""
    return {
        content_id: base64.b64encode(data).decode()
        for content_id, data in images.items()
        if image_type(data) and len(data) <= MAX_IMAGE_BYTES
    }


def child() -> None:
    """Do the work of the process: limits first, then the stranger's mail."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked = json.loads(sys.stdin.buffer.read())
    images = {content_id: base64.b64decode(text) for content_id, text in asked["images"].items()}
    sys.stdout.buffer.write(clean_html(asked["source"], images).encode())

"""A real SMTP server as a process: `python -m tests.smtp_server <port> <folder>` writes each mail as a file.

What it says depends on the name before the @, up to a hyphen: `once` is refused with 451 the first time, `grey`
twice, `gone` with 550 always, `full` with 552; `broken` has the connection cut. A sender `locked` has to sign
in before, a sender `large` sent too much.
"""

import asyncio
import itertools
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from aiosmtpd.controller import UnthreadedController


class Handler:
    """Answers by the recipient's name."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tries, self.numbers = folder, Counter[str](), itertools.count(1)

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        name = address.partition("@")[0]
        if name == "locked":
            return "530 5.7.0 Authentication required"
        if name == "large":
            return "552 5.3.4 Message size exceeds fixed limit"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        whole = address.partition("@")[0]
        self.tries[whole] += 1
        tries, name = self.tries[whole], whole.partition("-")[0]
        if (name == "once" and tries < 2) or (name == "grey" and tries < 3):
            return "451 4.7.1 Greylisted, come back later"
        if name == "gone":
            return "550 5.1.1 No such user"
        if name == "full":
            return "552 5.2.2 Mailbox full"
        if name == "broken":
            server.transport.close()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        part = self.folder / f"{next(self.numbers):04}.part"
        part.write_bytes(envelope.content)
        part.rename(part.with_suffix(".eml"))
        return "250 OK"


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    loop = asyncio.new_event_loop()
    controller = UnthreadedController(Handler(folder), hostname="127.0.0.1", port=port, loop=loop)
    controller.begin()  # type: ignore[no-untyped-call]
    loop.run_forever()


if __name__ == "__main__":
    main()

"""Pictures for docs/guide/, taken by the browser tests from the pages that they prove.

    picture(visit, "task-list")                                     # what is on the screen
    picture(visit, "task-tags", visit.page.locator("#tags"))        # one part of the page

Nothing happens unless EVERKEEP_PICTURES=1: then docs/images/guide/NAME.png is written anew. A picture is small,
for git keeps every one that ever was: 1200 px wide, light, a palette of few colours, at most 60 kB.
"""

import base64
import os
import struct
import zlib
from typing import Any

from playwright.sync_api import Locator

from tests.browser.rig import ROOT, Visit

PICTURES = ROOT / "docs" / "images" / "guide"
AT_MOST = 60_000
COLOURS = (128, 64, 32, 16)
SIZE = {"width": 1200, "height": 800}
# The most frequent colours that differ make the palette, every pixel takes the nearest: a page has few colours,
# between them the shades of letters, which shall not turn a red button grey. Runs on an empty page, where no
# policy forbids the picture.
REDUCE = """async ([png, colours]) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const {width, height} = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const palette = [];
  for (const [pixel] of [...counts].sort((a, b) => b[1] - a[1])) {
    const [r, g, b] = parts(pixel);
    const apart = ([pr, pg, pb]) => (r - pr) ** 2 + (g - pg) ** 2 + (b - pb) ** 2 > 60;
    if (palette.length < colours && palette.every(apart)) palette.push([r, g, b]);
  }
  const nearest = new Map();
  for (const pixel of counts.keys()) {
    const [r, g, b] = parts(pixel);
    let best = 0, least = Infinity;
    palette.forEach(([pr, pg, pb], at) => {
      const far = (r - pr) ** 2 + (g - pg) ** 2 + (b - pb) ** 2;
      if (far < least) [best, least] = [at, far];
    });
    nearest.set(pixel, best);
  }
  let rows = "";
  for (const pixel of pixels) rows += String.fromCharCode(nearest.get(pixel));
  return {width, height, palette: palette.flat(), rows: btoa(rows)};
}"""


def picture(visit: Visit, name: str, part: Locator | None = None) -> None:
    """Write the picture of the open page, or of one part of it, for the guide."""
    if os.environ.get("EVERKEEP_PICTURES") != "1":
        return
    before = visit.page.viewport_size
    visit.page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    visit.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    shot = part.screenshot() if part else visit.page.screenshot()
    if before:
        visit.page.set_viewport_size(before)
    empty = visit.page.context.new_page()
    for colours in COLOURS:
        png = _png(**empty.evaluate(REDUCE, [base64.b64encode(shot).decode(), colours]))
        if len(png) <= AT_MOST:
            break
    empty.close()
    assert len(png) <= AT_MOST, f"{name} has {len(png):,} bytes: take a part of the page"
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(png)


def _png(*, width: int, height: int, palette: list[int], rows: str) -> bytes:
    """A PNG of eight bits a pixel into a palette."""
    pixels = base64.b64decode(rows)
    lines = b"".join(b"\0" + pixels[at : at + width] for at in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts: list[tuple[bytes, Any]] = [
        (b"IHDR", header),
        (b"PLTE", bytes(palette)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

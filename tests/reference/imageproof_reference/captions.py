"""What a picture says of itself: its prompt and its number, as the XMP packet that every kind of file can carry."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

MOST_BYTES = 60_000  # of the prompt as XML; a segment of a JPEG file holds no more than 64 KiB
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def packet(prompt: str, index: int) -> bytes:
    """The XMP packet of the picture number `index` of an answer, from 0: `dc:description` is the prompt,
    `imageproof:index` the number. The end of a long prompt is left out, and U+FFFD stands for what XML cannot hold."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:imageproof="urn:imageproof">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{as_xml(prompt)}</rdf:li></rdf:Alt></dc:description>'
        f"<imageproof:index>{index}</imageproof:index></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()


def as_xml(text: str) -> str:
    """A text as XML writes it, up to MOST_BYTES."""
    written = escape(NO_XML.sub("\ufffd", text), {"\r": "&#13;"})
    if len(written) <= MOST_BYTES // 4:
        return written
    cut = written.encode()[:MOST_BYTES].decode(errors="ignore")
    head, sign, tail = cut.rpartition("&")
    return head if sign and ";" not in tail else cut

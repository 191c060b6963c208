"""What is recorded can be judged again, and holds no secret."""

from __future__ import annotations

from pathlib import Path

from imageproof.contract.redact import Redactor
from imageproof.contract.violations import FileFacts
from imageproof_conformance import transcript
from imageproof_conformance.exchange import Chunk, Download, Exchange, Part, Probe, Request

FACTS = FileFacts(format="png", width=2, height=2, bytes=70, alpha=True, transparent=False)
PICTURE = bytes(range(256)) * 64


def exchanges() -> list[Exchange]:
    parts = (Part("image", PICTURE, "a.png", "image/png"), Part("prompt", b"a"))
    edit = Probe(
        "m/edit",
        "createImageEdit",
        "m",
        Request("POST", "/images/edits", parts=parts, headers=(("X-A", "b"),)),
        "served",
        ("EDIT-SERVED", "EDIT-COUNT"),
        "core",
        {"image": FACTS, "image[]": [FACTS, FACTS], "n": 1, "prompt": "a"},
        1,
        1,
    )
    refused = Probe(
        "m/no", "createImage", "m", Request("POST", "/x", raw=b"\xff{", media_type="a/b", key="bad"), "refused", (),
        breaks="GEN-N-RANGE", about="n", last=True,
    )  # fmt: skip
    chunks = (Chunk(0.25, b'{"data": ['), Chunk(0.5, b"{}" * 4000 + b"]}"))
    return [
        Exchange(
            edit, "http://x/v1", (("A", "b"),), b"sent\xff", 200, (("Content-Type", "a/b"),), chunks, 0.5, 7.5, "",
            (Download("http://x/a.png", 200, "image/png", PICTURE), Download("/x", failure="not fetched: no")),
            (Exchange(edit, "http://x/v1", (), b"", 429, (("Retry-After", "1"),)),),
            (Download("http://x/a.png", 200, "image/png"),), 61.5,
        ),
        Exchange(refused, "http://x/v1", (), b"", None, failure="no answer"),
    ]  # fmt: skip


def test_a_transcript_read_back_is_the_same(tmp_path: Path) -> None:
    transcript.write(tmp_path, exchanges(), Redactor("sk-none"))
    assert list(transcript.read(tmp_path)) == exchanges()


def test_a_last_line_that_was_cut_off_is_no_exchange(tmp_path: Path) -> None:
    path = transcript.write(tmp_path, exchanges(), Redactor(""))
    path.write_bytes(path.read_bytes()[:-30])
    assert list(transcript.read(tmp_path)) == exchanges()[:1]


def test_a_picture_is_kept_once(tmp_path: Path) -> None:
    transcript.write(tmp_path, exchanges() * 3, Redactor(""))
    assert len(list((tmp_path / "bodies").iterdir())) == 4  # picture, long answer, two bodies that are no text


def test_key_and_signatures_are_in_no_file(tmp_path: Path) -> None:
    key = "sk-canary-1"
    url = "http://x/a.png?se=1&sig=TOPSECRET"
    body = b'{"data": [{"url": "' + url.encode() + b'"}], "pad": "' + b"x" * 5000 + key.encode() + b'"}'
    probe = Probe("m/x", "createImage", "m", Request("POST", "/x", json={"user": key}), "served", ())
    exchange = Exchange(
        probe, f"http://x/?key={key}", (("X", key),), key.encode(), 200, (("Y", key),), (Chunk(0, body),),
        failure=f"failed with {key}", downloads=(Download(url, 200, "image/png", key.encode()),),
    )  # fmt: skip
    transcript.write(tmp_path, [exchange], Redactor(key))
    (read,) = transcript.read(tmp_path)
    assert key not in repr(read) and "TOPSECRET" not in repr(read)
    assert len(read.body) == len(body)
    assert read.downloads[0].url in read.body.decode()

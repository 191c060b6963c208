"""Transformations of streams: how servers differ in the events that they send. Each is a pure function of one frame, or
of all frames of a stream, and of parameters."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from imageproof_reference.members import changed, word
from imageproof_reference.picture_steps import file_step
from imageproof_reference.speech import Frame, Room

FrameStep = Callable[..., Frame]  # (Frame, Room, **parameters)
StreamStep = Callable[..., tuple[Frame, ...]]  # (tuple[Frame, ...], Room, **parameters)


def no_event_lines(frame: Frame, room: Room) -> Frame:
    """Events are told apart by the `type` in their data alone."""
    return replace(frame, name=None)


def comment(frame: Frame, room: Room, *, text: str) -> Frame:
    """A comment comes ahead of the first event and of each one."""
    return frame if frame.place == "closing" else replace(frame, before=f": {text}\n\n{frame.before}")


def end_marker(frame: Frame, room: Room, *, text: str) -> Frame:
    """The stream ends with a frame that is no event."""
    return replace(frame, after=f"{frame.after}data: {text}\n\n") if frame.place == "closing" else frame


def event_names(frame: Frame, room: Room, *, names: Mapping[str, str]) -> Frame:
    """Events have other names, in the event line and in their data."""
    if frame.data is None or frame.data.get("type") not in names:
        return frame
    name = names[frame.data["type"]]
    return replace(frame, name=name if frame.name is not None else None, data={**frame.data, "type": name})


def event_beside(frame: Frame, room: Room, *, members: Mapping[str, Any]) -> Frame:
    """Events have these members too, with these values where they do not have them already."""
    return frame if frame.data is None else replace(frame, data={**members, **frame.data})


def event(frame: Frame, room: Room, *, at: str, kind: str = "", **how: Any) -> Frame:
    """Events, or those of one kind, are changed at a place by a word of `members`."""
    change = word(how)
    return replace(frame, data=changed(frame.data, at, change)) if is_kind(frame, kind) else frame


def event_line(frame: Frame, room: Room, *, name: str) -> Frame:
    """The event line says this, whatever the data says."""
    return replace(frame, name=name) if frame.data is not None else frame


def event_picture(frame: Frame, room: Room, *, kind: str, **how: Any) -> Frame:
    """The pictures in events of one kind are other files, by a step of `picture_steps`."""
    change = file_step(how)
    if frame.data is None or not is_kind(frame, kind):
        return frame
    data = change(base64.b64decode(frame.data["b64_json"]))
    return replace(frame, data={**frame.data, "b64_json": base64.b64encode(data).decode()})


def event_left_out(frame: Frame, room: Room, *, kind: str) -> Frame:
    """Events of one kind do not come."""
    return replace(frame, data=None) if is_kind(frame, kind) else frame


def event_twice(frame: Frame, room: Room, *, kind: str) -> Frame:
    """Events of one kind come twice."""
    return replace(frame, after=frame.text()) if is_kind(frame, kind) else frame


def event_cut(frame: Frame, room: Room, *, kind: str) -> Frame:
    """The connection ends in the middle of an event of one kind."""
    return replace(frame, last=True) if is_kind(frame, kind) else frame


def event_unended(frame: Frame, room: Room, *, kind: str) -> Frame:
    """No blank line ends events of one kind."""
    if not is_kind(frame, kind):
        return frame
    return replace(frame, data=None, before=frame.text().removesuffix("\n\n") + "\n")


def frames_reversed(frames: tuple[Frame, ...], room: Room) -> tuple[Frame, ...]:
    """The last event comes first."""
    events = [frame for frame in frames if frame.place == "event"]
    rest = [frame for frame in frames if frame.place == "closing"]
    return (*reversed(events), *rest)


def frames_held(frames: tuple[Frame, ...], room: Room) -> tuple[Frame, ...]:
    """Nothing comes before all of it is there, as from a proxy that buffers."""
    return frames


def is_kind(frame: Frame, kind: str) -> bool:
    """Whether a frame is an event, of the kind that its type ends with."""
    return frame.data is not None and str(frame.data.get("type", "")).endswith(kind)


FRAMES: Mapping[str, FrameStep] = {
    "no-event-lines": no_event_lines,
    "comment": comment,
    "end-marker": end_marker,
    "event-names": event_names,
    "event-beside": event_beside,
    "event": event,
    "event-line": event_line,
    "event-picture": event_picture,
    "event-left-out": event_left_out,
    "event-twice": event_twice,
    "event-cut": event_cut,
    "event-unended": event_unended,
}

STREAMS: Mapping[str, StreamStep] = {"reversed": frames_reversed, "held": frames_held}

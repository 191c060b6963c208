"""The engine: discover, plan, buy stage by stage, judge.

`run` does all of it; a `Session` lets a caller buy a stage when its first rule is asked for, as the pytest plugin does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from imageproof_conformance.dispatch import Interrupted
from imageproof_conformance.judging import Item
from imageproof_conformance.profile import Profile
from imageproof_conformance.record import Progress, Run
from imageproof_conformance.session import Session

__all__ = ["Item", "Progress", "Run", "Session", "run"]


def run(
    profile: Profile,
    selection: Collection[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """The whole run of a profile. `selection` names the requirement ids that count (None: all).

    UsageError for what the user must change; whatever the target does is in the `Run`.
    """
    with Session(profile, progress) as session:
        session.prepare()
        if not session.discovery.trouble:
            if selection is not None:
                session.select([item for item in session.items if item[0] in selection])
            try:
                for item in session.items:
                    if selection is None or item[0] in selection:
                        session.gather(item)
            except Interrupted:
                return session.finish(interrupted=True)
        return session.finish()

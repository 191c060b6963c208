"""Writing and comparing trees: only what the manifest owns is touched, and every difference is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imageproof.emit.output import MANIFEST, Manifest, compare, read_manifest, write, write_beside
from imageproof.errors import DocumentError, UsageError

FILES = {"python/a.py": "a = 1\n", "python/pkg/b.py": "b = 1\n"}


def manifest(*targets: str) -> Manifest:
    return Manifest("imageproof 0", "digest", "client", targets or ("python",))


def tree(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def kinds(root: Path, files: dict[str, str] = FILES) -> list[tuple[str, str]]:
    return [(change.kind, change.path) for change in compare(root, files, manifest())]


def test_what_is_written_is_in_step(tmp_path: Path) -> None:
    assert write(tmp_path, FILES, manifest()) == [MANIFEST, *sorted(FILES)]
    assert kinds(tmp_path) == []
    assert write(tmp_path, FILES, manifest()) == []
    assert set(tree(tmp_path)) == {MANIFEST, *FILES}  # no temporary file is left behind


def test_a_changed_file_shows_its_diff(tmp_path: Path) -> None:
    write(tmp_path, FILES, manifest())
    (tmp_path / "python/a.py").write_text("a = 2\n")
    (change,) = compare(tmp_path, FILES, manifest())
    assert (change.kind, change.path) == ("changed", "python/a.py")
    assert "-a = 2" in change.diff and "+a = 1" in change.diff
    assert write(tmp_path, FILES, manifest()) == ["python/a.py"]


def test_missing_and_orphaned(tmp_path: Path) -> None:
    write(tmp_path, FILES, manifest())
    (tmp_path / "python/a.py").unlink()
    (tmp_path / "python/pkg/stray.py").write_text("")
    (tmp_path / "python/pkg/__pycache__").mkdir()
    (tmp_path / "python/pkg/__pycache__/b.pyc").write_text("")
    assert kinds(tmp_path) == [("missing", "python/a.py"), ("orphaned", "python/pkg/stray.py")]
    (change,) = [one for one in compare(tmp_path, FILES, manifest()) if one.kind == "orphaned"]
    assert not change.owned and "not ours" in str(change)


def test_an_obsolete_file_is_orphaned_then_removed_with_its_folder(tmp_path: Path) -> None:
    write(tmp_path, FILES, manifest())
    less = {"python/a.py": "a = 1\n"}
    assert kinds(tmp_path, less) == [("changed", MANIFEST), ("orphaned", "python/pkg/b.py")]
    assert write(tmp_path, less, manifest()) == [MANIFEST, "python/pkg/b.py"]
    assert not (tmp_path / "python/pkg").exists()


def test_an_obsolete_file_that_was_edited_stops_everything(tmp_path: Path) -> None:
    write(tmp_path, FILES, manifest())
    (tmp_path / "python/pkg/b.py").write_text("mine\n")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=r"b\.py"):
        write(tmp_path, {"python/a.py": "a = 2\n"}, manifest())
    assert tree(tmp_path) == before


def test_a_foreign_file_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python/a.py").write_text("mine\n")
    with pytest.raises(UsageError, match=r"(?s)a\.py.*--out"):
        write(tmp_path, FILES, manifest())
    assert tree(tmp_path) == {"python/a.py": "mine\n"}


def test_a_foreign_file_beside_ours_is_never_touched(tmp_path: Path) -> None:
    write(tmp_path, FILES, manifest())
    (tmp_path / "python/pkg/stray.py").write_text("mine\n")
    (tmp_path / "notes.txt").write_text("mine\n")
    write(tmp_path, {"python/a.py": "a = 1\n"}, manifest())
    assert tree(tmp_path)["python/pkg/stray.py"] == tree(tmp_path)["notes.txt"] == "mine\n"


def test_a_file_that_already_says_it_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python/a.py").write_text("a = 1\n")
    write(tmp_path, FILES, manifest())
    assert kinds(tmp_path) == []


def test_other_targets_are_kept(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "openapi/s.yaml": "x\n"}, manifest("openapi", "python"))
    write(tmp_path, {"python/a.py": "a = 2\n"}, manifest("python"))
    found = read_manifest(tmp_path)
    assert found is not None
    assert found.targets == ("openapi", "python")
    assert set(found.files) == {"openapi/s.yaml", "python/a.py"}
    assert kinds(tmp_path, {"python/a.py": "a = 2\n"}) == []


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "python/a.py").mkdir(parents=True)
    with pytest.raises(UsageError):
        write(tmp_path, FILES, manifest())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"generator": 1}', "\udcff"])
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DocumentError, match="not a manifest"):
        write(tmp_path, FILES, manifest())


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/passwd", "python/../../outside.txt"])
def test_a_manifest_cannot_reach_outside(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.txt").write_text("mine\n")
    data = {"generator": "g", "document": "d", "name": "n", "targets": ["python"], "files": {name: "0"}}
    (root / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(DocumentError, match="outside its folder"):
        write(root, FILES, manifest())
    assert (tmp_path / "outside.txt").exists()


def test_a_run_that_was_cut_short_is_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the document changed meanwhile: what the cut run wrote is ours."""
    real = Path.replace

    def cut(self: Path, target: Path) -> Path:
        if Path(target).name == "b.py":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, FILES, manifest())
    monkeypatch.undo()
    assert (tmp_path / "python/a.py").exists()
    write(tmp_path, {path: f"{text}# changed\n" for path, text in FILES.items()}, manifest())
    assert set(tree(tmp_path)) == {MANIFEST, *FILES}


def test_what_another_command_made_stays_beside(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no MANIFEST"):
        write_beside(tmp_path, "python/table.md", "1\n")
    write(tmp_path, FILES, manifest())
    write_beside(tmp_path, "python/table.md", "1\n")
    assert kinds(tmp_path) == []
    assert write(tmp_path, FILES, manifest()) == []
    less = {"python/a.py": "a = 1\n"}
    assert write(tmp_path, less, manifest("python", "docs")) == [MANIFEST, "python/pkg/b.py"]
    assert write(tmp_path, FILES, manifest()) == [MANIFEST, "python/pkg/b.py"]  # and the manifest still knows it
    assert kinds(tmp_path) == [] and tree(tmp_path)["python/table.md"] == "1\n"
    (tmp_path / "python/table.md").write_text("2\n")
    assert kinds(tmp_path) == [("changed", "python/table.md")]
    (tmp_path / "python/table.md").unlink()
    assert kinds(tmp_path) == [("missing", "python/table.md")]
    write_beside(tmp_path, "python/table.md", "3\n")
    assert kinds(tmp_path) == []
    with pytest.raises(UsageError, match="a target makes it"):
        write_beside(tmp_path, "python/a.py", "")
    with pytest.raises(UsageError, match=r"would be overwritten:\n  .*table.md\n"):
        write(tmp_path, {**FILES, "python/table.md": "4\n"}, manifest())

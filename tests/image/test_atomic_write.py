"""Files appear whole or not at all, and inputs survive."""

import os
import stat
from pathlib import Path

import pytest

from convkit.errors import ImageError, OutputError
from convkit.image import atomic_write, check_writable, save_image


def _write(path, data=b"new"):
    with atomic_write(path) as file:
        file.write(data)


def _names(folder):
    return [path.name for path in folder.iterdir()]


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_new_file(tmp_path):
    _write(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert _names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_new_file_has_the_permissions_that_the_umask_leaves(umask, mode, tmp_path):
    before = os.umask(umask)
    try:
        _write(tmp_path / "a.bin")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "a.bin") == mode


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_replaced_file_keeps_its_permissions_and_is_never_wider_open(mode, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(mode)
    with atomic_write(path) as file:
        (temporary,) = set(tmp_path.iterdir()) - {path}
        assert _mode(temporary) == 0o600
        assert path.read_bytes() == b"old"
        file.write(b"new")
    assert (_mode(path), path.read_bytes()) == (mode, b"new")


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, SystemExit, ImageError])
@pytest.mark.parametrize("existing", [False, True])
def test_failure_leaves_everything_as_it_was(kind, existing, tmp_path):
    path = tmp_path / "a.bin"
    if existing:
        path.write_bytes(b"old")
    error = ImageError(expected="a", got="b", hint="c") if kind is ImageError else kind()

    def fail():
        with atomic_write(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(kind):
        fail()
    assert _names(tmp_path) == (["a.bin"] if existing else [])
    assert not existing or path.read_bytes() == b"old"


def test_full_disk_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"a\.bin' \(No space left on device\)"), atomic_write(tmp_path / "a.bin"):
        raise OSError(28, "No space left on device")
    assert _names(tmp_path) == []


def test_symbolic_link_stays_and_what_it_names_is_replaced(tmp_path):
    target, link = tmp_path / "a.bin", tmp_path / "link.bin"
    target.write_bytes(b"old")
    link.symlink_to("a.bin")
    _write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("name", ["x" * 250 + ".png", "line\nbreak.png", os.fsdecode(b"\xff.png")])
def test_any_name_that_the_system_takes(name, tmp_path):
    _write(tmp_path / name)
    assert _names(tmp_path) == [name]


class TestRefused:
    @pytest.fixture(params=[check_writable, _write])
    def attempt(self, request):
        return request.param

    def test_missing_folder(self, attempt, tmp_path):
        with pytest.raises(OutputError, match=f"'{tmp_path}/no', which is none; try making it first"):
            attempt(tmp_path / "no" / "a.png")

    def test_file_as_folder(self, attempt, tmp_path):
        (tmp_path / "f").write_bytes(b"")
        with pytest.raises(OutputError, match=r"f/a\.png' \(Not a directory\)"):
            attempt(tmp_path / "f" / "a.png")

    def test_folder(self, attempt, tmp_path):
        with pytest.raises(OutputError, match=f"'{tmp_path}', a folder"):
            attempt(tmp_path)

    def test_pipe_and_device(self, attempt, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "pipe", Path("/dev/null")):
            with pytest.raises(OutputError, match=f"'{path}', a pipe, socket or device; try '-'"):
                attempt(path)
        assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)

    def test_links_in_a_circle(self, attempt, tmp_path):
        (tmp_path / "a").symlink_to(tmp_path / "a")
        with pytest.raises(OutputError, match=r"a' \(Too many levels"):
            attempt(tmp_path / "a")

    @pytest.mark.parametrize(
        ("name", "said"), [("a\0b", "not a file name"), ("x" * 300, "name too long"), ("\ud800", "not a")]
    )
    def test_names_that_no_file_can_have(self, name, said, attempt, tmp_path):
        with pytest.raises(OutputError, match=said):
            attempt(tmp_path / name)

    def test_permissions(self, attempt, tmp_path, monkeypatch):
        (tmp_path / "a.png").write_bytes(b"old")
        # What os.access says is feigned, since permissions do not bind the superuser, who may run this.
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path or not mode & os.W_OK)
        with pytest.raises(OutputError, match=f"that you may write into; got '{tmp_path}'"):
            attempt(tmp_path / "a.png")
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) == tmp_path or not mode & os.W_OK)
        with pytest.raises(OutputError, match=r"a\.png', write-protected"):
            attempt(tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes() == b"old"


class TestInputs:
    @pytest.fixture
    def source(self, tmp_path):
        path = tmp_path / "in.png"
        path.write_bytes(b"precious")
        return path

    def test_same_path(self, source, monkeypatch):
        monkeypatch.chdir(source.parent)
        for output in (source, "in.png", "./in.png", f"../{source.parent.name}/in.png"):
            with pytest.raises(OutputError, match=r"not an input; got '.*in\.png' for both"):
                check_writable(output, inputs=["noise", source])

    def test_links_both_ways(self, source, tmp_path):
        (tmp_path / "soft").symlink_to(source)
        (tmp_path / "hard").hardlink_to(source)
        for one, other in [("soft", source), (source, "soft"), ("hard", source), ("soft", "hard")]:
            with pytest.raises(OutputError, match="for both"):
                check_writable(tmp_path / one, inputs=[tmp_path / other])

    def test_others_are_fine(self, source, tmp_path):
        (tmp_path / "copy.png").write_bytes(b"precious")
        for output in ("copy.png", "new.png"):
            check_writable(tmp_path / output, inputs=[source, "-", "1,2;3", "a\0b", "x" * 999])
        assert source.read_bytes() == b"precious"


def test_checking_creates_nothing(tmp_path):
    check_writable(tmp_path / "a.png")
    assert _names(tmp_path) == []


def test_save_image_replaces_in_one_step(tmp_path):
    path = tmp_path / "a.csv"
    save_image(path, [[1]])
    inode = path.stat().st_ino
    save_image(path, [[2]])
    assert path.read_text() == "2\n"
    assert path.stat().st_ino != inode

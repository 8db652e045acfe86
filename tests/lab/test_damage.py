"""However a run folder is cut, flipped, gone or of another version: its valid part and a note, or a refusal."""

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.conclude import conclude
from lab.derive import derive
from lab.errors import LabError
from lab.findings import Findings
from lab.json_files import read
from lab.load_findings import LoadFindings
from lab.mail_findings import MailFindings
from lab.recorder import MAGIC, SAMPLE, read_samples
from lab.results import SEAL_DERIVED, RunFolder
from lab.seal import DERIVED, SEAL, check_seal, seal
from lab.study_findings import StudyFindings
from tests.fakes import SERVERS, FakeRun, by_server

FRAME = 8 + 16 * SAMPLE.itemsize
"""Bytes of a whole frame of the fake's."""

SMALL = replace(SERVERS, blocks=2, keys=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A whole and small run, sealed as the lab leaves one."""
    folder = FakeRun(experiment=SMALL, seconds=by_server(0.02, ratio=1.1), rounds=4)
    made = folder.make(tmp_path_factory.mktemp("whole") / "run")
    seal(made)
    return made


@pytest.fixture
def copied(whole: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of it, to be damaged."""
    shutil.copytree(whole.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def assert_prefix(findings: Findings, *, rows: np.ndarray, whole: Findings) -> None:
    """The second block's means are those of these samples; the first block's are untouched; and it is not silent."""
    assert not findings.complete
    assert [note for note in findings.notes if "block-01.samples" in note]
    for number, (cell, before) in enumerate(zip(findings.cells, whole.cells, strict=True)):
        own = rows[(rows["cell"] == number) & (rows["warm"] == 0) & (rows["fault"] == 0)]
        seconds = (own["done"] - own["sent"]) / 1e9
        assert cell.block_means[0] == before.block_means[0]
        assert cell.block_means[1:] == ((pytest.approx(seconds.mean()),) if len(seconds) else ())
        assert cell.requests == before.requests - len(samples_of(whole, number)) + len(seconds)


def samples_of(whole: Findings, number: int) -> range:
    """As many as the second block has of a cell."""
    return range(whole.cells[number].requests // 2)


@pytest.mark.slow
def test_cut_at_every_byte_a_sample_file_gives_its_prefix(copied: RunFolder) -> None:
    """Whole frames count, the rest is named: also where the cut is between two frames, or nothing is left."""
    path, before = copied.sample_file(1), derive(copied)
    data = path.read_bytes()
    rows, damage = read_samples(path)
    assert damage == ""
    assert len(data) > 700
    for size in range(len(data)):
        path.write_bytes(data[:size])
        left = rows[: max(size - len(MAGIC), 0) // FRAME * 16]
        assert_prefix(derive(copied), rows=left, whole=before)


@pytest.mark.slow
def test_a_bit_flipped_at_every_byte_is_no_sample(copied: RunFolder) -> None:
    """The frame with the flipped bit and all after it are left out, whichever bit it is."""
    path, before, chance = copied.sample_file(1), derive(copied), random.Random(3)
    data = path.read_bytes()
    rows, _ = read_samples(path)
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        left = rows[: max(at - len(MAGIC), 0) // FRAME * 16 if at >= len(MAGIC) else 0]
        assert_prefix(derive(copied), rows=left, whole=before)


@pytest.mark.parametrize("version", [1, 4, 255])
def test_samples_of_another_version_are_not_guessed(copied: RunFolder, version: int) -> None:
    """An older or newer sample file gives nothing, and says so."""
    path, before = copied.sample_file(1), derive(copied)
    path.write_bytes(MAGIC[:-1] + bytes([version]) + path.read_bytes()[len(MAGIC) :])
    findings = derive(copied)
    assert_prefix(findings, rows=np.zeros(0, SAMPLE), whole=before)
    assert "block-01.samples is not a sample file of version 3" in findings.notes


def test_a_missing_sample_file_is_missed(copied: RunFolder) -> None:
    """A block that has a report and no samples is in the table of blocks, with what is wrong."""
    before = derive(copied)
    copied.sample_file(1).unlink()
    findings = derive(copied)
    assert_prefix(findings, rows=np.zeros(0, SAMPLE), whole=before)
    assert [block.note for block in findings.blocks] == ["", "block-01.samples is missing"]


def test_a_seal_is_what_sha256sum_reads(whole: RunFolder) -> None:
    """Each raw file once, with its checksum; nothing that is derived."""
    lines = (whole.path / SEAL).read_text().splitlines()
    names = [line.split("  ", 1)[1] for line in lines]
    assert names == sorted(
        path.relative_to(whole.path).as_posix()
        for path in whole.path.rglob("*")
        if path.is_file() and path.name not in {SEAL, SEAL_DERIVED, *DERIVED}
    )
    assert "samples/block-00.samples" in names
    assert "blocks/block-01.report.json" in names
    for line in lines:
        checksum, name = line.split("  ", 1)
        assert hashlib.sha256((whole.path / name).read_bytes()).hexdigest() == checksum
    assert check_seal(whole) == ()


def test_a_run_that_lost_its_proof_claims_no_equality(copied: RunFolder) -> None:
    """Without a seal and without proof.json: the times are shown, the run is not whole, and nothing is said equal."""
    for name in (SEAL, SEAL_DERIVED, "proof.json"):
        (copied.path / name).unlink()
    page = conclude(copied).read_text(encoding="utf-8")
    found = copied.findings
    assert not found.complete
    assert any(note.startswith("proof.json is missing") for note in found.notes)
    assert "all equal" not in page
    assert "no answers were compared" in found.answer[-1]


def flips(folder: RunFolder) -> Iterator[tuple[Path, bytes]]:
    """Files of JSON, each with one bit of it flipped, at places drawn by a seed."""
    chance = random.Random(5)
    files = [path for path in sorted(folder.path.rglob("*.json")) if path.name != "findings.json"]
    for path in files:
        data = path.read_bytes()
        for _ in range(12):
            flipped = bytearray(data)
            flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            yield path, bytes(flipped)


def test_a_flipped_bit_of_a_sealed_run_is_refused_by_name(copied: RunFolder) -> None:
    """A digit that is another one is no number that anybody measured: the file is named, and nothing is drawn."""
    tried = 0
    for path, flipped in flips(copied):
        data = path.read_bytes()
        path.write_bytes(flipped)
        with pytest.raises(LabError) as caught:
            conclude(copied)
        assert path.name in caught.value.what
        assert not (copied.path / "report.html").exists()
        path.write_bytes(data)
        tried += 1
    assert tried > 60


def test_a_flipped_bit_without_a_seal_is_a_value_or_a_refusal(copied: RunFolder) -> None:
    """A run that never ended has no seal: what can be read is read, the rest is refused; nothing else is raised."""
    (copied.path / SEAL).unlink()
    outcomes = set()
    for path, flipped in flips(copied):
        data = path.read_bytes()
        path.write_bytes(flipped)
        try:
            derive(copied)
        except LabError:
            outcomes.add("refused")
        else:
            outcomes.add("read")
        path.write_bytes(data)
    assert outcomes == {"read", "refused"}


def test_what_an_interrupted_run_was_derived_of_is_held_against_it(copied: RunFolder) -> None:
    """It has no seal of its end: JSON that has changed since it was drawn is refused; one that goes on is not."""
    (copied.path / SEAL).unlink()
    conclude(copied)
    path = copied.path / "proof.json"
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(LabError, match=r"proof\.json has changed since the run was derived last"):
        conclude(copied)
    copied.save("stages", copied.stages)
    conclude(copied)


def test_a_part_has_the_seal_of_its_whole(copied: RunFolder, tmp_path: Path) -> None:
    """A part that is drawn by itself is held against the whole's checksums, and what is derived of it is not."""
    whole = RunFolder(tmp_path / "whole")
    shutil.copytree(copied.path, whole.path / "small")
    for name in (SEAL, SEAL_DERIVED):
        (whole.path / "small" / name).unlink()
    seal(whole)
    part = RunFolder(whole.path / "small")
    conclude(part)
    assert check_seal(whole) == check_seal(part) == ()
    path = part.path / "proof.json"
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(LabError, match=r"small/proof\.json has changed since the run ended"):
        conclude(part)


@pytest.mark.parametrize("name", ["samples/block-02.samples", "blocks/block-02.report.json", "gate.json"])
def test_what_came_after_a_run_ended_is_refused(copied: RunFolder, name: str) -> None:
    """A block of another run would be averaged with its own; notes of a person beside them are not read."""
    for beside in ("notes.md", "evidence/.DS_Store"):
        (copied.path / beside).parent.mkdir(exist_ok=True)
        (copied.path / beside).write_text("Looks good.")
    conclude(copied)
    (copied.path / name).write_bytes(copied.sample_file(0).read_bytes())
    with pytest.raises(LabError, match=f"{name} came after the run ended"):
        conclude(copied)


def test_what_is_gone_of_a_sealed_run_is_told_so(copied: RunFolder) -> None:
    """Not changed: the file is named with what became of it."""
    copied.report_file(1).unlink()
    with pytest.raises(LabError, match=r"block-01\.report\.json is gone since the run ended"):
        conclude(copied)


def test_cut_samples_of_a_sealed_run_are_used_and_told(copied: RunFolder) -> None:
    """Samples have checksums of their own: the run is drawn from what is left, and told to be damaged."""
    path = copied.sample_file(0)
    path.write_bytes(path.read_bytes()[: len(MAGIC) + FRAME])
    conclude(copied)
    findings = copied.findings
    assert not findings.complete
    assert [note for note in findings.notes if "block-00.samples has 16 of the" in note]
    assert "is damaged" in (copied.path / "summary.md").read_text()


def test_a_damaged_seal_is_named(copied: RunFolder) -> None:
    """What is no checksum is told by its line."""
    path = copied.path / SEAL
    path.write_bytes(b"\xff" + path.read_bytes())
    with pytest.raises(LabError, match="SHA256SUMS line 1"):
        check_seal(copied)


@pytest.mark.parametrize("kind", [Findings, LoadFindings, MailFindings, StudyFindings])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"schema_version": 2}', "is of version 2, this Windtunnel reads version 1"),
        (b'{"schema_version": -1}', "is of version -1, this Windtunnel reads version 1"),
        (b"{}", "says no version, this Windtunnel reads version 1"),
        (b'{"schema_version": 1}', "cannot be read: "),
        (b"", "cannot be read: "),
        (b"\xff\xfe", "cannot be read: "),
        (b'{"schema_version": 1, "experiment": "' + b"\xc3" * 50 + b'"}', "cannot be read: "),
        (b"[" * 100_000, "cannot be read: "),
        (b'{"x": ' + b"[" * 100_000, "cannot be read: "),
    ],
)
def test_derived_files_of_another_shape_are_refused(tmp_path: Path, kind: type, content: bytes, said: str) -> None:
    """An older, a newer, an empty or a senseless file is told by name and reason, never by a traceback."""
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(LabError) as caught:
        read(path, kind)
    assert caught.value.what.startswith(f"{path} {said}")
    assert caught.value.hint


def test_older_findings_are_made_anew(copied: RunFolder) -> None:
    """What is derived needs no migration: the samples are there."""
    conclude(copied)
    path = copied.path / "findings.json"
    right = path.read_bytes()
    path.write_text(json.dumps(json.loads(right) | {"schema_version": 0}))
    with pytest.raises(LabError, match="version"):
        _ = copied.findings
    conclude(copied)
    assert path.read_bytes() == right

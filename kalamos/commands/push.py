"""What ``push`` does: a folder that Kalamos made, to a repository of the Hugging Face hub. It says what it would send.

Never sent: what the licence of a corpus does not let anyone pass on, a conversion that is not whole or was changed
since, hidden files, and a report that names folders of this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kalamos.datasets import CORPORA
from kalamos.datasets.croissant import NAME as CROISSANT
from kalamos.datasets.licences import LICENCES, Licence, licences_in, passing_on
from kalamos.errors import KalamosError, StoreError
from kalamos.formats.reading import read_bytes
from kalamos.machinery.files import sha256_of

Kind = Literal["dataset", "model"]
MAX_TEXT_BYTES = 256 * 2**20
NO_SCORES = ".eval_results"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_OF_A_TASK = re.compile(r"samples\.csv|[\w+=-][\w.+=-]*\.toml")
_LICENCE_LINES = re.compile(r"^license(?:_name|_link)?:.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Sent:
    """A file that is to be sent.

    Attributes:
        name: in the repository.
        path: on this machine.
        content: in place of what stands there, where something is put in; None for the file as it is.
    """

    name: str
    path: Path
    content: bytes | None = None

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self.path.stat().st_size if self.content is None else len(self.content)


@dataclass(frozen=True)
class Parcel:
    """What is to be sent, and why it may be.

    Attributes:
        repository: ``owner/name``.
        kind: of the repository.
        what: in words.
        licence: why it may be published, in words.
        files: what is sent.
        left: what stays, in words.
    """

    repository: str
    kind: Kind
    what: str
    licence: str
    files: Sequence[Sent]
    left: Sequence[str]

    def text(self) -> str:
        """Return what would be sent, for people."""
        lines = [f"{self.what} to the {self.kind} repository {self.repository}", f"licence: {self.licence}"]
        lines += [f"{file.size:>12,} B  {file.name}" for file in self.files]
        lines += [f"stays here: {name}" for name in self.left]
        total = sum(file.size for file in self.files)
        return "\n".join([*lines, f"{len(self.files)} files, {total:,} bytes"])


def parcel(folder: Path, repository: str, licence: str = "") -> Parcel:
    """Return what of a folder is to be sent.

    Args:
        folder: a conversion, or what ``kalamos croissant`` or ``kalamos leaderboard --hub`` wrote.
        repository: ``owner/name``.
        licence: SPDX identifier under which the user gives away what is the user's own; empty for none.

    Raises:
        KalamosError: where the folder is none of these, or may not be published.
        StoreError: where a conversion is not whole, or a file is not what it was.
    """
    if _REPOSITORY.fullmatch(repository) is None or len(repository) > 193 or ".." in repository or "--" in repository:
        raise KalamosError(f"{repository[:80]!r} is no name of a repository: it is OWNER/NAME")
    if (folder / "plan.json").exists() or (folder / "manifest.json").exists():
        return _conversion(folder, repository, licence)
    if licence:
        raise KalamosError("--licence is for conversions of your own files; here the licence is known")
    if (folder / CROISSANT).exists() and (folder / "eval.yaml").exists():
        files, left = _files(folder, [CROISSANT, "README.md", "eval.yaml", *_described(folder)])
        return Parcel(repository, "dataset", "What a task is", "MIT; of the corpus it holds keys alone", files, left)
    if "model-index" in _head(folder):
        scores = [f"{NO_SCORES}/{path.name}" for path in sorted((folder / NO_SCORES).glob("*.yaml"))]
        files, left = _files(folder, ["README.md", *scores])
        return Parcel(repository, "model", "A card with results", "scores are facts; no data is sent", files, left)
    raise KalamosError(
        f"{folder} is neither a conversion nor what `kalamos croissant` or `kalamos leaderboard --hub` writes; "
        "nothing else is sent"
    )


def send(packed: Parcel, *, public: bool = False, endpoint: str | None = None, token: str | None = None) -> str:
    """Send a parcel in one commit and return the address of the commit; the repository is made where there is none.

    Args:
        packed: what to send.
        public: whether a new repository may be seen by everybody.
        endpoint: of the hub; None for the usual one.
        token: None for that of ``hf auth login``, or of HF_TOKEN.

    Raises:
        KalamosError: where ``huggingface_hub`` is not installed, or the hub refuses.
    """
    try:
        import huggingface_hub as hub  # noqa: PLC0415 - an extra
        from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415
    except ImportError as error:
        raise KalamosError("this needs huggingface_hub: pip install 'kalamos[hub]'") from error
    api = hub.HfApi(endpoint=endpoint, token=token, library_name="kalamos")
    operations = [
        hub.CommitOperationAdd(file.name, str(file.path) if file.content is None else file.content)
        for file in packed.files
    ]
    try:
        api.create_repo(packed.repository, repo_type=packed.kind, private=not public, exist_ok=True)
        done: Any = api.create_commit(
            packed.repository, operations, commit_message=f"{packed.what}, by kalamos push", repo_type=packed.kind
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        text = " ".join(str(error).split())[:300]
        raise KalamosError(f"{packed.repository}: the hub did not take it: {text}") from error
    return str(done.commit_url)


def _conversion(folder: Path, repository: str, licence: str) -> Parcel:
    manifest = _manifest(folder)
    card = CORPORA.load(manifest["corpus"]).card
    verdict = passing_on(card.licence)
    if verdict == "not allowed":
        raise KalamosError(
            f"{folder} was made of {card.title}, whose licence does not say that copies may be published: "
            f"{card.licence}. Nothing is sent; `kalamos croissant TASK` describes a task without its data"
        )
    if verdict == "allowed" and licence:
        raise KalamosError(f"{card.title} has its own licence ({card.licence}); --licence is for files of your own")
    if verdict == "the user's" and not licence:
        raise KalamosError(
            f"{folder} was made of files of your own: say under which licence you give them away, if you may, "
            f"by --licence ({', '.join(known.spdx for known in LICENCES.values())})"
        )
    names = [file["name"] for file in manifest["files"]]
    _check(folder, manifest["files"])
    private = _names_this_machine(folder / "report.json")
    files, left = _files(folder, [*_texts(folder, private), *names])
    chosen = _chosen(licence) if licence else None
    if chosen:
        files = [_relicensed(file, chosen) for file in files]
    said = f"{chosen.spdx}, as you say" if chosen else f"{card.licence} ({', '.join(_spdx(card.licence))})"
    left = [f"{name} (it names folders of this machine)" if name == "report.json" else name for name in left]
    return Parcel(repository, "dataset", f"A conversion of {card.title}", said, files, left)


def _described(folder: Path) -> list[str]:
    """Return the files that the description of a task names, each as it was described."""
    path = folder / CROISSANT
    try:
        told = json.loads(read_bytes(path, MAX_TEXT_BYTES))["distribution"]
        hashes = {str(item["@id"]): item["sha256"] for item in told}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(f"{path} describes no task: write the folder anew with `kalamos croissant`") from error
    for name, sha256 in hashes.items():
        if _OF_A_TASK.fullmatch(name) is None or not (folder / name).is_file() or sha256_of(folder / name) != sha256:
            raise StoreError(
                f"{folder / name} is not what is described: write the folder anew with `kalamos croissant`"
            )
    return sorted(hashes)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not path.exists():
        raise StoreError(f"{folder} is a conversion that is not whole: run `kalamos convert` to its end first")
    try:
        found: dict[str, Any] = json.loads(read_bytes(path, MAX_TEXT_BYTES))
        if not isinstance(found["corpus"], str) or not all("sha256" in file for file in found["files"]):
            raise ValueError("it does not say the hashes of its files: convert it anew")
        if not all(re.fullmatch(r"[a-z]+-\d{5}-of-\d{5}\.parquet", file["name"]) for file in found["files"]):
            raise ValueError("it names files elsewhere")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path} is no manifest of a conversion with hashes: {error}") from error
    return found


def _check(folder: Path, files: Sequence[dict[str, Any]]) -> None:
    for file in files:
        path = folder / file["name"]
        if not path.is_file() or sha256_of(path) != file["sha256"]:
            raise StoreError(f"{path} is not what the conversion wrote: delete it and run `kalamos convert` again")


def _texts(folder: Path, private: bool) -> list[str]:
    named = ["README.md", CROISSANT, "manifest.json", *([] if private else ["report.json"])]
    missing = [name for name in ("README.md", CROISSANT) if not (folder / name).is_file()]
    if missing:
        raise StoreError(f"{folder / missing[0]} is missing: run the same `kalamos convert` again")
    return [name for name in named if (folder / name).is_file()]


def _names_this_machine(report: Path) -> bool:
    if not report.is_file():
        return False
    text = report.read_text(encoding="utf-8", errors="replace")
    return str(Path.home()) in text or re.search(r'"[^"]*(?<![\w.])(?:/home/|/Users/|[A-Za-z]:\\\\)', text) is not None


def _files(folder: Path, names: Sequence[str]) -> tuple[list[Sent], list[str]]:
    """Return the named files, and what else is in the folder."""
    for name in names:
        if (folder / name).is_symlink() or not (folder / name).is_file():
            raise StoreError(f"{folder / name} is a link, or no file; it is not sent")
    others = sorted(
        path.name for path in folder.iterdir() if path.name not in {name.partition("/")[0] for name in names}
    )
    return [Sent(name, folder / name) for name in names], [name for name in others if not name.startswith(".")]


def _relicensed(file: Sent, licence: Licence) -> Sent:
    """Return the card or the description with the licence that the user gives."""
    if file.name == "README.md":
        before, head, rest = file.path.read_text(encoding="utf-8").split("---\n", 2)
        head = _LICENCE_LINES.sub("", head) + f"license: {json.dumps(licence.hub)}\n"
        return Sent(file.name, file.path, "---\n".join([before, head, rest]).encode())
    if file.name == CROISSANT:
        told = json.loads(file.path.read_text(encoding="utf-8")) | {"license": [licence.url]}
        return Sent(file.name, file.path, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    return file


def _chosen(spdx: str) -> Licence:
    found = next((known for known in LICENCES.values() if known.spdx.lower() == spdx.lower()), None)
    if found is None:
        raise KalamosError(f"no licence {spdx!r} is known here: {', '.join(known.spdx for known in LICENCES.values())}")
    return found


def _spdx(text: str) -> list[str]:
    return [licence.spdx for licence in licences_in(text)]


def _head(folder: Path) -> str:
    path = folder / "README.md"
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text.split("---\n", 2)[1] if text.startswith("---\n") and text.count("---\n") > 1 else ""

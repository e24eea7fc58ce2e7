"""Use of an adapter that was trained elsewhere as a run of the experiment."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig
from safetensors.torch import load_file

from spectralm.errors import InputError
from spectralm.files import atomic, sha256, write_json
from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.llm.adapter_files import CONFIG, WEIGHTS, check_weights
from spectralm.llm.options import LlmOptions
from spectralm.llm.read_in.soft_tokens import NAME
from spectralm.llm.tokenizer import load_tokenizer, name_on_hub, tokenizer_hash
from spectralm.spectra.options import SpectraOptions
from spectralm.workspace import MANIFEST

REMEDY = "set the model's options as in the adapter's training, or give another adapter"


def adopt(
    adapter: Path,
    out: Path,
    *,
    base: str,
    options: LlmOptions,
    text: TextOptions,
    spectra: SpectraOptions,
    targets: Targets,
) -> None:
    """Copy an adapter with its metrics into a run's folder, the manifest last.

    The adapter's manifest is checked and kept. An adapter without one gets a manifest with the
    options of the config, in which facts of the training, such as ``n_train``, are null.

    Raises:
        InputError: a file is missing, or base, text, grid, rank, read-in or targets of the
            training differ.
        SpectraLMError: a tensor is empty or untrained.
    """
    for name in (WEIGHTS, CONFIG):
        if not (adapter / name).is_file():
            raise InputError(adapter, name, "not there", "give the folder of a PEFT adapter")
    check_weights(adapter, trained=True)
    config = LoraConfig.from_pretrained(str(adapter))
    given = {"text": text.model_dump(), "spectra": spectra.model_dump(), "targets": str(targets)}
    tokenizer = tokenizer_hash(load_tokenizer(base))
    found = {"r": config.r, "read_in": NAME in (config.modules_to_save or [])}
    wanted = {"r": options.lora.rank, "read_in": options.read_in is not None}
    _compare(adapter / CONFIG, found, wanted)
    manifest = _read(adapter / MANIFEST)
    if manifest:
        _compare(adapter / MANIFEST, manifest, given)
        read_in = {"read_in": options.model_dump()["read_in"]}
        _compare(adapter / MANIFEST, manifest.get("options", {}), read_in)
        theirs, ours = name_on_hub(str(manifest.get("base"))), name_on_hub(base)
        # A folder's path may differ on another machine.
        folders = any(name.startswith(("/", ".", "results/")) for name in (theirs, ours))
        if manifest.get("tokenizer_sha256") != tokenizer or not (folders or theirs == ours):
            other = f"{theirs!r}, which is not {ours!r} or has another tokenizer"
            raise InputError(adapter / MANIFEST, "base", other, REMEDY)
    else:
        parameters = sum(tensor.numel() for tensor in load_file(adapter / WEIGHTS).values())
        unknown = dict.fromkeys(("n_train", "n_validation", "seconds", "git_commit"))
        manifest = {**given, **unknown, "kind": options.kind, "options": options.model_dump()}
        manifest |= {"tokenizer_sha256": tokenizer, "parameters": parameters, "versions": {}}
    for name in (WEIGHTS, CONFIG):
        with atomic(out / name) as temporary:
            shutil.copyfile(adapter / name, temporary)
    write_json(out / "metrics.json", _read(adapter / "metrics.json"))
    facts = {
        "base": base,
        "adopted_from": str(adapter),
        "adapter_sha256": sha256(adapter / WEIGHTS),
        "looks_at_spectrum": True,
        "given": [],
    }
    write_json(out / MANIFEST, {**manifest, **facts})


def _read(path: Path) -> dict[str, Any]:
    """The contents of a JSON file; empty if it is missing. Raises InputError if it is damaged."""
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except ValueError as error:
        raise InputError(path, "JSON", f"cannot be read ({error})", "fetch it again") from error


def _compare(file: Path, found: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    for name, value in wanted.items():
        if found.get(name) != value:
            raise InputError(file, name, f"{found.get(name)!r}, not {value!r}", REMEDY)

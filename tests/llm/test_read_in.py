"""Read-ins: soft tokens of flux and mask, in the place of placeholders."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from llm.toy import ENCODER, PATCHES, STAGE_2, Toy, adapted_model, base_on_cpu, make_toy
from torch import Tensor

from spectralm.errors import InputError
from spectralm.language.options import TextOptions
from spectralm.llm.adapter import add_adapter, load_adapter, resume_adapter
from spectralm.llm.device import precision
from spectralm.llm.encoding import Collator, Example, Questions, left_padded, ones
from spectralm.llm.options import LlmOptions, LoraOptions, TinyOptions
from spectralm.llm.read_in.attach import attach_read_in, pixels_of
from spectralm.llm.read_in.kinds.patches import Fourier, Position
from spectralm.llm.read_in.options import ReadInOptions
from spectralm.llm.read_in.soft_tokens import NAME, PLACEHOLDER, soft_tokens_of
from spectralm.llm.tiny import make_tiny_base
from spectralm.llm.tokenizer import load_tokenizer

KINDS = {"encoder": ENCODER, "position": PATCHES, "fourier": PATCHES | {"wavelength": "fourier"}}
EACH = pytest.mark.parametrize("kind", KINDS)


def options_of(given: dict) -> ReadInOptions:
    return LlmOptions(read_in=given).read_in


def spectra_of(count: int, pixels: int = 40) -> Tensor:
    """Random flux and mask [count, 2, pixels]; a tenth of the pixels is masked."""
    random = torch.Generator().manual_seed(0)
    flux = 0.5 + 0.1 * torch.randn(count, pixels, generator=random)
    masked = torch.rand(count, pixels, generator=random) < 0.1
    return torch.stack([flux, masked.float()], dim=1)


@EACH
@pytest.mark.parametrize("pixels", [40, 43])
def test_soft_tokens_have_the_shape_and_scale_of_embeddings(base, kind, pixels):
    model, options = base_on_cpu(base), options_of(KINDS[kind])
    tokens = attach_read_in(model, options, pixels)(spectra_of(3, pixels))
    table = model.get_input_embeddings().weight
    assert options.soft_tokens(pixels) == 10
    assert tokens.shape == (3, 10, table.shape[1])
    scale = table.square().mean().sqrt().expand(3, 10)
    torch.testing.assert_close(tokens.square().mean(dim=-1).sqrt(), scale, rtol=1e-3, atol=0)
    assert (tokens[0] - tokens[1]).abs().max() > 0.01 * scale[0, 0]


def test_the_number_of_soft_tokens_is_that_of_the_options():
    assert options_of({"kind": "encoder"}).soft_tokens(4901) == 16
    assert options_of(ENCODER | {"tokens": 7}).soft_tokens(4901) == 7
    assert options_of({"kind": "patches"}).soft_tokens(4901) == 306
    assert options_of(PATCHES | {"pixels": 8}).soft_tokens(43) == 5


@EACH
def test_masked_flux_has_no_influence_and_the_mask_has(base, kind):
    read_in = attach_read_in(base_on_cpu(base), options_of(KINDS[kind]), 40)
    spectra = spectra_of(3)
    masked = spectra[:, 1] == 1
    told, hidden, seen, unmasked = (spectra.clone() for _ in range(4))
    hidden[:, 0][masked] = -30.0
    seen[:, 0][~masked] += 0.01
    unmasked[:, 1] = 0
    expected = read_in(told)
    assert read_in(hidden).equal(expected)
    assert not read_in(seen).equal(expected)
    assert not read_in(unmasked).equal(expected)


@EACH
def test_pixels_are_standardised(base, kind):
    read_in = attach_read_in(base_on_cpu(base), options_of(KINDS[kind]), 40)
    spectra = spectra_of(3)
    mean, scale = np.linspace(0.3, 0.6, 40, dtype="f4"), np.linspace(0.01, 0.2, 40, dtype="f4")
    plain = spectra.clone()
    plain[:, 0] = (spectra[:, 0] - torch.from_numpy(mean)) / torch.from_numpy(scale)
    expected = read_in(plain)
    read_in.standardise(mean, scale)
    torch.testing.assert_close(read_in(spectra), expected)


def test_pixels_that_fill_no_patch_are_left_out(base):
    read_in = attach_read_in(base_on_cpu(base), options_of(PATCHES), 43)
    spectra = spectra_of(3, 43)
    changed = spectra.clone()
    changed[:, :, 40:] = 1 - changed[:, :, 40:]
    assert read_in(changed).equal(read_in(spectra))


def test_a_patch_has_a_place_and_with_fourier_it_is_like_that_of_its_neighbours():
    torch.manual_seed(0)
    nothing = torch.zeros(1, 306, 128)
    similar = {}
    for kind in (Position, Fourier):
        (places,) = kind(306, 128)(nothing)
        places = torch.nn.functional.normalize(places - places.mean(dim=0), dim=-1)
        both = places @ places.T
        similar[kind] = [both.diagonal(distance).mean().item() for distance in (1, 4, 16, 64)]
        assert both.fill_diagonal_(0).max() < 0.999
    assert min(similar[Fourier][:2]) > 0.5 > 0.3 > similar[Fourier][3]
    assert max(map(abs, similar[Position])) < 0.1


@pytest.fixture(scope="module")
def second(base, tmp_path_factory) -> Toy:
    """Questions of stage 2 with soft tokens, which differ in length."""
    text = TextOptions(flux="soft", answer="grouped")
    return make_toy(tmp_path_factory.mktemp("second"), base, text, STAGE_2, counts=(12, 4))


def examples_of(toy: Toy, cache: Path) -> list[Example]:
    """Six training questions, of several lengths, with ten soft tokens each."""
    questions = Questions.open([toy.train], cache, load_tokenizer(str(toy.base)), 512)
    questions.soft_tokens, questions.spectra = 10, toy.store()
    rows = [questions[number] for number in range(6)]
    assert len({len(row["prompt"]) for row in rows}) > 1
    return rows


def embedded(model, ids: Tensor, spectra: Tensor) -> Tensor:
    """Embeddings [rows, tokens, hidden] with the soft tokens of each row, put together by hand."""
    table = model.get_input_embeddings().weight
    rows = []
    for row, tokens in zip(ids, getattr(model.get_base_model(), NAME)(spectra), strict=True):
        first, stop = row.tolist().index(PLACEHOLDER), row.tolist().index(PLACEHOLDER) + len(tokens)
        assert (row == PLACEHOLDER).sum() == (row[first:stop] == PLACEHOLDER).sum() == len(tokens)
        rows.append(torch.cat([table[row[:first]], tokens.to(table.dtype), table[row[stop:]]]))
    return torch.stack(rows)


@pytest.fixture(scope="module")
def learned(second, tmp_path_factory) -> Toy:
    """The same with a GPT-2."""
    folder = tmp_path_factory.mktemp("learned") / "base"
    sizes = {"hidden": 64, "layers": 1, "heads": 4, "mlp": 64, "context": 600}
    make_tiny_base(folder, TinyOptions(positions="learned", **sizes))
    return replace(second, base=folder)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("toy", "kind", "quantise"),
    [
        *(("second", kind, False) for kind in KINDS),
        ("second", "encoder", True),
        ("learned", "encoder", False),
    ],
)
def test_logits_are_those_of_embeddings_put_together_by_hand(
    request, toy, kind, quantise, tmp_path
):
    toy = request.getfixturevalue(toy)
    model = adapted_model(toy, KINDS[kind], quantise)
    batch = Collator(pad_token_id=0, answers_start=512)(examples_of(toy, tmp_path))
    del batch["labels"]
    with precision(model):
        told = model(**batch).logits
    ids, spectra = batch.pop("input_ids"), batch.pop("spectra")
    by_hand = embedded(model, ids, spectra)
    with precision(model):
        expected = model(inputs_embeds=by_hand, **batch).logits
        others = model(input_ids=ids, spectra=spectra.flip(0), **batch).logits
    torch.testing.assert_close(told, expected)
    assert (told - others).abs().max() > 0.05


@torch.inference_mode()
def test_generate_reads_the_soft_tokens_of_each_prompt(second, tmp_path):
    model = adapted_model(second, ENCODER)
    rows = examples_of(second, tmp_path)
    prompts = [row["prompt"] for row in rows]
    ids, spectra = left_padded(prompts, 0), torch.tensor(np.stack([r["spectrum"] for r in rows]))
    settings = {"attention_mask": left_padded(ones(prompts), 0), "max_new_tokens": 6}
    settings |= {"do_sample": False, "return_dict_in_generate": True, "output_scores": True}
    assert model.soft_tokens.give(spectra) == 10
    told = model.generate(input_ids=ids, **settings)
    by_hand = embedded(model, ids, spectra)
    expected = model.generate(inputs_embeds=by_hand, **settings)
    assert told.sequences[:, ids.shape[1] :].equal(expected.sequences)
    torch.testing.assert_close(torch.stack(told.scores), torch.stack(expected.scores))


@torch.inference_mode()
def test_text_without_placeholders_is_read_as_by_any_model(second):
    model = adapted_model(second, ENCODER)
    ids = load_tokenizer(str(second.base))("<flux>303300</flux>", return_tensors="pt").input_ids
    expected = model(inputs_embeds=model.get_input_embeddings().weight[ids]).logits
    assert model(input_ids=ids).logits.equal(expected)
    placeholders = torch.full((1, 10), PLACEHOLDER)
    model(input_ids=placeholders, spectra=spectra_of(1))
    assert model(input_ids=ids).logits.equal(expected)
    with pytest.raises(ValueError, match="10 placeholders for 0 soft tokens"):
        model(input_ids=placeholders)
    with pytest.raises(ValueError, match="10 placeholders for 20 soft tokens"):
        model(input_ids=placeholders, spectra=spectra_of(2))
    assert soft_tokens_of(add_adapter(base_on_cpu(second.base), LoraOptions(), 0)) is None


@EACH
@pytest.mark.parametrize("quantise", [False, True])
def test_a_read_in_is_trained_and_saved_whole_in_float32(second, kind, quantise, tmp_path):
    model = adapted_model(second, KINDS[kind], quantise)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    own = {name: p for name, p in trained.items() if f".{NAME}." in name}
    assert {p.dtype for p in trained.values()} == {torch.float32}
    assert not any("lora" in name for name in own)
    read_in = model.soft_tokens.read_in
    assert {p.data_ptr() for p in own.values()} >= {
        p.data_ptr() for p in read_in.modules_to_save["default"].parameters()
    }
    model.save_pretrained(tmp_path)
    assert pixels_of(tmp_path) == 40
    spectra = spectra_of(2)
    for load in (load_adapter, resume_adapter):
        again = load(base_on_cpu(second.base, quantise), tmp_path, options_of(KINDS[kind]))
        assert again.soft_tokens.read_in(spectra).equal(read_in(spectra))
        for name, parameter in trained.items():
            found = again.get_parameter(name)
            assert found.equal(parameter)
            assert found.requires_grad == (load is resume_adapter)


def test_pixels_are_standardised_by_the_training_spectra(second):
    read_in = adapted_model(second, ENCODER).soft_tokens.read_in
    mean, scale = second.store().moments()
    assert read_in.mean.tolist() == mean.tolist()
    assert read_in.scale.tolist() == scale.tolist()


def test_an_adapter_without_a_read_in_is_refused(second, tmp_path):
    add_adapter(base_on_cpu(second.base), LoraOptions(rank=4), 0).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"adapter_model.safetensors: read_in: missing"):
        load_adapter(base_on_cpu(second.base), tmp_path, options_of(ENCODER))

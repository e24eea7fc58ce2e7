"""The language model: base, adapter, training and generation (paper III.2 and III.3)."""

from typing import TYPE_CHECKING, Annotated, Literal, Union

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from spectralm.llm.read_in.options import ReadInOptions
from spectralm.llm.read_in.registry import READ_INS
from spectralm.options import Options

if TYPE_CHECKING:
    AnyReadIn = ReadInOptions
else:  # known only at run time
    AnyReadIn = Annotated[
        Union[*map(READ_INS.options_class, READ_INS.names())], Field(discriminator="kind")
    ]

#: Names in soft_targets.
WIDTHS = ("teff", "logg", "feh", "x_fe")
#: Options that do not decide an adapter's weights. Base, text and the adapter of stage 1 do, but by
#: their contents, not by their names.
NOT_OF_WEIGHTS: dict[str, bool | set[str]] = {
    **dict.fromkeys(("kind", "base", "text", "after", "adapter"), True),
    **dict.fromkeys(("attention", "device", "generation"), True),
    "training": {
        *("batch_size", "accumulation", "processes", "nodes"),  # their product does
        *("zero3", "gradient_checkpointing", "answer_only_layer"),
        *("evaluations", "evaluation_spectra", "evaluation_batch_size", "checkpoints"),
    },
}
#: Tokens that the longest answer takes: 21 abundances, every digit spaced.
ANSWER_ROOM = 512


class TinyOptions(Options):
    """A small model with random weights, made from a seed, for machines without a GPU."""

    positions: Literal["rotary", "learned"] = "rotary"
    """`rotary`: a Llama, as in the paper; `learned`: a GPT-2, which has a vector per position and
    so can find a wavelength with a single layer."""

    hidden: PositiveInt = Field(default=128, multiple_of=64)
    """Width of the residual stream; a multiple of 64, the block size of NF4."""

    layers: PositiveInt = 2
    """Number of layers."""

    heads: PositiveInt = 4
    """Attention heads."""

    mlp: PositiveInt = Field(default=256, multiple_of=64)
    """Width of the feed-forward blocks; a multiple of 64, the block size of NF4."""

    context: PositiveInt = 32768
    """Longest text in tokens."""

    seed: NonNegativeInt = 0
    """Seed of the weights."""


class LoraOptions(Options):
    """The adapter on all linear layers."""

    rank: PositiveInt = 64
    """Rank."""

    alpha: PositiveInt = 128
    """Scaling factor."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout before the adapter."""

    train_embeddings: bool = False
    """Also train the embeddings of tokens and positions; a random base needs it."""


class AugmentationOptions(Options):
    """Changes of the training spectra, drawn anew for each spectrum and epoch; all off by default.

    They are made in the order of the light's way: star, spectrograph, calibration, detector.
    """

    velocity: NonNegativeFloat = 0.0
    """Largest Doppler shift, km/s: uniform between minus and plus this. LAMOST's velocities have
    errors of 5 km/s; without `spectra.rest_frame`, stars move by a hundred anyway."""

    blur: NonNegativeFloat = 0.0
    """Largest sigma of a Gaussian that the spectrum is convolved with, Angstrom: uniform from 0.
    Resolution varies among fibres and exposures; LAMOST's line spread has a sigma of about 1.2."""

    gain: NonNegativeFloat = 0.0
    """Standard deviation of a smooth factor, a straight line between 12 points: errors of flux
    calibration, sky subtraction and continuum."""

    noise: NonNegativeFloat = 0.0
    """Largest standard deviation of additional Gaussian noise of each pixel, in units of the mean
    flux: uniform from 0. It lowers S/N to 1 / noise at most."""

    gaps: NonNegativeFloat = 0.0
    """Mean number of additional masked runs, of 1 to 60 pixels each, with a straight line across,
    as of cosmic rays and bad columns."""


class TrainingOptions(Options):
    """How an adapter is trained."""

    epochs: PositiveFloat = 1.0
    """Passes over the training questions; the paper does not say how many."""

    learning_rate: PositiveFloat = 1e-4
    """Peak learning rate of AdamW."""

    weight_decay: NonNegativeFloat = 0.1
    """Weight decay of AdamW."""

    warmup_fraction: float = Field(default=0.03, ge=0, lt=1)
    """Fraction of the steps with rising learning rate, before the cosine; not in the paper."""

    batch_size: PositiveInt = 1
    """Questions per process and forward pass."""

    accumulation: PositiveInt = 16
    """Forward passes per optimizer step."""

    gradient_checkpointing: bool = True
    """Recompute activations in the backward pass to save memory."""

    processes: PositiveInt = 1
    """Processes (GPUs) that torchrun starts on each node."""

    nodes: PositiveInt = 1
    """Nodes of a cluster; more than one are started by srun (docs/cluster.md)."""

    zero3: bool = False
    """Shard base, adapter and optimizer over all processes by DeepSpeed's ZeRO-3."""

    soft_targets: dict[str, PositiveFloat] = Field(default={})
    """For grouped answers: standard deviation (in the label's unit) of the Gaussian target over
    neighbouring numbers, for teff, logg, feh and x_fe (all abundances); other labels have hard
    targets."""

    augmentation: AugmentationOptions = AugmentationOptions()
    """Changes of the training spectra."""

    answer_only_layer: bool = False
    """In the last layer compute queries and feed-forward at the answer's positions only: the
    results are the same, and a model with one layer trains four times faster."""

    evaluations: NonNegativeInt = 5
    """Number of evaluations during a training (validation loss and generated answers), besides
    those before the first step and at the end."""

    evaluation_spectra: PositiveInt = 500
    """Number of validation spectra, spread over all, in each evaluation."""

    evaluation_batch_size: PositiveInt = 2
    """Questions that each process answers at once during an evaluation."""

    checkpoints: PositiveInt = 200
    """Number of checkpoints during a training; the last two are kept."""

    seed: NonNegativeInt = 0
    """Seed of the order, dropout and augmentation."""

    @property
    def questions_per_step(self) -> int:
        """Questions of all processes in one optimizer step: the global batch."""
        return self.batch_size * self.accumulation * self.world_size

    @property
    def world_size(self) -> int:
        """Processes on all nodes."""
        return self.processes * self.nodes


class GenerationOptions(Options):
    """How answers are read from a model."""

    batch_size: PositiveInt = 4
    """Questions answered at once; answers in low precision can depend on it."""

    reading: Literal["greedy", "expected"] = "greedy"
    """`greedy`: the generated answer; `expected`: the mean of the central 95 % of the model's
    distribution of each number, given the answer before it."""


class LlmOptions(Options):
    """One language model of the experiment."""

    kind: Literal["llm"] = "llm"
    """A language model."""

    base: str = "meta-llama/Llama-3.1-8B-Instruct"
    """Folder or hub id (already in the local cache) of the base model, or `tiny`."""

    text: str = "paper"
    """The entry of `texts` with the spelling of its questions and answers."""

    after: str | None = None
    """Run of stage 1 from whose adapter stage 2 continues; null for models of stage 1."""

    adapter: str | None = None
    """Folder of an adapter that was trained elsewhere and is used without further training. If it
    has a manifest, base, text, grid and targets must agree."""

    read_in: AnyReadIn | None = None
    """The network that makes soft tokens of a spectrum, for a text with `flux: soft`."""

    quantise: bool = True
    """Hold the base in NF4 with double quantisation (QLoRA)."""

    attention: Literal["sdpa", "flash_attention_2", "flex_attention"] = "sdpa"
    """Implementation of attention; `sdpa` is PyTorch's own, which uses a flash kernel where
    possible, the others need packages or kernels of their own."""

    device: Literal["auto", "cpu"] = "auto"
    """`auto`: a GPU, which only the base `tiny` can do without; `cpu`: no GPU."""

    max_tokens: PositiveInt = 32768
    """Most tokens of a question with its answer; longer questions are cut at the blue end, and
    their fraction is in metrics.json."""

    lora: LoraOptions = LoraOptions()
    """The adapter."""

    training: TrainingOptions = TrainingOptions()
    """How it is trained."""

    generation: GenerationOptions = GenerationOptions()
    """How it answers."""

    def weight_options(self) -> dict[str, object]:
        """The options that decide an adapter's weights, and the size of the global batch."""
        kept = self.model_dump(exclude=NOT_OF_WEIGHTS)
        kept["questions_per_step"] = self.training.questions_per_step
        return kept

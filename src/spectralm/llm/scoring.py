"""Answers to validation questions in the course of a training, scored."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import Trainer

from spectralm.language.answers import Star, answer_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import asked_of
from spectralm.llm.encoding import Questions
from spectralm.llm.generation import Reader, Reply


class AnsweringTrainer(Trainer):
    """A Trainer that also scores generated answers whenever it evaluates.

    Args:
        reader: asks the model.
        rehearse: called at the evaluation before the first step; its metrics are added.
    """

    def __init__(
        self,
        *arguments,
        reader: Reader,
        rehearse: Callable[["AnsweringTrainer"], Mapping[str, float]],
        **settings,
    ):
        super().__init__(*arguments, **settings)
        self.reader = reader
        self.rehearse = rehearse
        self.asked: list[str] = self.eval_dataset.records["question"][:]
        self.stars = true_stars(self.eval_dataset, reader.text)
        self.latest: tuple[int, dict[str, float]] = (-1, {})
        """The step of the last evaluation, and what it gave."""

    def evaluate(self, *arguments, **settings) -> dict[str, float]:
        """Validation loss, and of the generated answers: sigma per label and share parsed.

        Done once at a step. Nothing here changes the random numbers of the training.
        """
        step = self.state.global_step
        if self.latest[0] == step:
            return self.latest[1]
        with self._unchanged_random_numbers():
            metrics = super().evaluate(*arguments, **settings)
            self.model.eval()
            answers = answer_metrics(self._replies(), self.stars)
            if step == 0:
                answers |= self.rehearse(self)
        self.log(answers)
        self.latest = (step, metrics | answers)
        return self.latest[1]

    def loss_of(self, questions: Questions) -> float:
        """Loss of some questions; all processes take part."""
        with self._unchanged_random_numbers():
            return super().evaluate(questions, metric_key_prefix="few")["few_loss"]

    def _unchanged_random_numbers(self) -> AbstractContextManager:
        gpus = [torch.cuda.current_device()] if self.args.device.type == "cuda" else []
        return torch.random.fork_rng(gpus)

    def _replies(self) -> list[Reply]:
        """Answers to all questions; each process asks its share of them."""
        state = PartialState()
        numbers = share(len(self.asked), state.process_index, state.num_processes)
        replies = self.reader.replies([self.asked[number] for number in numbers])
        gathered = dict(gather_object(list(zip(numbers, replies, strict=True))))
        return [gathered[number] for number in range(len(self.asked))]


def share(questions: int, process: int, processes: int) -> list[int]:
    """Numbers of the questions that a process answers.

    The shares of all are of one length, as under ZeRO-3 every process takes part in every step; so
    some may have the first question once more.
    """
    numbers = list(range(questions))[process::processes]
    return numbers + [0] * (-(-questions // processes) - len(numbers))


def true_stars(questions: Questions, text: TextOptions) -> list[Star]:
    """What the right answers say."""
    return [
        answer_text(text, asked_of(record["question"])).read(record["answer"])
        for record in questions.records
    ]


def answer_metrics(replies: Sequence[Reply], stars: Sequence[Star]) -> dict[str, float]:
    """Share of answers that are parsed, sigma of the residuals of each label, share of right
    classes."""
    pairs = [
        (reply.star, star)
        for reply, star in zip(replies, stars, strict=True)
        if reply.star is not None
    ]
    metrics = {"eval_parsed": len(pairs) / len(replies)}
    residuals = defaultdict(list)
    for answered, star in pairs:
        for name, value in star.values.items():
            residuals[name].append(answered.values[name] - value)
    for name, differences in residuals.items():
        metrics[f"eval_sigma_{name}"] = float(np.std(differences))
    right = [
        answered.spectral_class == star.spectral_class
        for answered, star in pairs
        if star.spectral_class is not None
    ]
    if right:
        metrics["eval_class_accuracy"] = float(np.mean(right))
    return metrics

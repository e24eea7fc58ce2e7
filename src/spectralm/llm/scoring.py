"""Scores of the answers to validation questions during a training."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import Trainer, TrainingArguments

from spectralm.language.answers import Star
from spectralm.language.questions import Question
from spectralm.llm.encoding import Questions
from spectralm.llm.generation import Reader, Reply
from spectralm.llm.learner import Learner


class AnsweringTrainer(Trainer):
    """A Trainer that also scores generated answers at each evaluation.

    Args:
        learner: model, data and loss.
        args: of the training.
        reader: of the model's answers.
        check_saving: called at the evaluation before the first step; its metrics are added.
    """

    def __init__(
        self,
        learner: Learner,
        args: TrainingArguments,
        reader: Reader,
        check_saving: Callable[["AnsweringTrainer"], Mapping[str, float]],
    ):
        super().__init__(
            model=learner.model,
            args=args,
            train_dataset=learner.questions,
            eval_dataset=learner.validation,
            data_collator=learner.collator,
            compute_loss_func=learner.loss,
        )
        self.learner = learner
        self.reader = reader
        self.check_saving = check_saving
        records = list(learner.validation.records)
        self.asked = list(map(Question.of, records))
        self.stars = list(map(Star.of, records))
        self.latest: tuple[int, dict[str, float]] = (-1, {})
        """The step of the last evaluation, and its metrics."""

    def _prepare_input(self, data: Any) -> Any:
        """Data on the device. With DeepSpeed the Trainer would round spectra to bf16."""
        if isinstance(data, torch.Tensor):
            return data.to(self.args.device)
        return super()._prepare_input(data)

    def evaluate(self, *arguments: Any, **settings: Any) -> dict[str, float]:
        """Validation loss, and scores of the generated answers; see :func:`answer_metrics`.

        Computed once per step. The random numbers of the training stay as they were.
        """
        step = self.state.global_step
        if self.latest[0] == step:
            return self.latest[1]
        with self._unchanged_random_numbers():
            metrics = super().evaluate(*arguments, **settings)
            self.learner.model.eval()
            answers = answer_metrics(self._replies(), self.stars)
            if step == 0:
                answers |= self.check_saving(self)
        self.log(answers)
        self.latest = (step, metrics | answers)
        return self.latest[1]

    def loss_of(self, questions: Questions) -> float:
        """Mean loss of some questions; called by all processes."""
        with self._unchanged_random_numbers():
            return super().evaluate(questions, metric_key_prefix="check")["check_loss"]

    def _unchanged_random_numbers(self) -> AbstractContextManager:
        gpus = [torch.cuda.current_device()] if self.args.device.type == "cuda" else []
        return torch.random.fork_rng(gpus)

    def _replies(self) -> list[Reply]:
        """Answers to all questions; each process asks for its share of them."""
        state = PartialState()
        numbers = share(len(self.asked), state.process_index, state.num_processes)
        replies = self.reader.replies([self.asked[number] for number in numbers])
        gathered = dict(gather_object(list(zip(numbers, replies, strict=True))))
        return [gathered[number] for number in range(len(self.asked))]


def share(questions: int, process: int, processes: int) -> list[int]:
    """Indices of the questions that a process answers.

    All shares have the same length, since under ZeRO-3 every process must take part in every step;
    shorter ones are filled up with the first question.
    """
    numbers = list(range(questions))[process::processes]
    return numbers + [0] * (-(-questions // processes) - len(numbers))


def answer_metrics(replies: Sequence[Reply], stars: Sequence[Star]) -> dict[str, float]:
    """Fraction of answers that can be parsed, residuals' sigma per label, accuracy of classes."""
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

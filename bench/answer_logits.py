"""Memory and time of a training step with logits on the answer alone, compared with all logits.

Each is measured in a process of its own, on a small Llama with Llama-3's vocabulary, in which the
logits dominate the memory. Prints a Markdown table.

    python bench/answer_logits.py [--tokens 4900 9800]
"""

import argparse
import multiprocessing
import resource
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY = 128256
ANSWER = 40


def step(tokens: int, answer_only: bool) -> tuple[float, float]:
    """CPU seconds and peak memory (GiB above that of the loaded model) of one step."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=128,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    model.get_input_embeddings().requires_grad_(False)  # with LoRA, the output layer is frozen
    ids = torch.randint(0, VOCABULARY, (1, tokens))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    if answer_only:
        logits = model(input_ids=ids, logits_to_keep=ANSWER + 1).logits[:, :-1]
    else:
        logits = model(input_ids=ids).logits[:, -ANSWER - 1 : -1]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), ids[0, -ANSWER:]).backward()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, (peak - before) / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[4900, 9800])
    print("| tokens | all logits: GiB, CPU s | answer only: GiB, CPU s |\n|---|---|---|")
    for tokens in parser.parse_args().tokens:
        cells = []
        for answer_only in (False, True):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                seconds, memory = pool.apply(step, (tokens, answer_only))
            cells.append(f"{memory:.2f}, {seconds:.1f}")
        print(f"| {tokens} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()

"""Strided convolutions, pooled into a few tokens."""

from torch import nn

from spectralm.llm.read_in.options.encoder import EncoderOptions

KERNEL, STRIDE = 9, 4


def body(options: EncoderOptions, pixels: int) -> nn.Module:
    """From flux and mask [batch, 2, pixels] to tokens [batch, tokens, width]."""
    layers: list[nn.Module] = []
    channels = 2
    for width in options.channels:
        layers += [nn.Conv1d(channels, width, KERNEL, STRIDE, KERNEL // 2), nn.GELU()]
        channels, pixels = width, -(-pixels // STRIDE)
    layers += [nn.Flatten(), nn.Linear(channels * pixels, options.hidden), nn.GELU()]
    layers += [nn.Linear(options.hidden, options.tokens * options.width)]
    return nn.Sequential(*layers, nn.Unflatten(1, (options.tokens, options.width)))

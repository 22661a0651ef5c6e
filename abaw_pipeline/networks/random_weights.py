"""Seeded random weights under which a network's activations neither vanish nor explode.

Weights are drawn by He et al., Delving Deep into Rectifiers, ICCV 2015; the statistics of BatchNorm layers are then
measured on seeded noise that is smooth like a picture. Without measured statistics the sums of a hundred residual
layers overflow float16.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

PICTURES = 8
"""Noise pictures the statistics are measured on."""


def randomise(network: nn.Module, seed: int, shape: tuple[int, ...]) -> None:
    """Overwrite all weights of ``network``; the same seed gives the same network whatever was drawn before, and on
    however many threads: sums in another order would move the last digits of the measured statistics.

    Args:
        shape: of one input: ``(C, h, w)`` of a picture, or any other, which gets white noise.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad(), _one_thread():
        torch.manual_seed(seed)
        for module in network.modules():
            _draw(module)
        _measure(network, _noise(shape))
    network.eval()


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _draw(module: nn.Module) -> None:
    """Matrices and kernels by He, biases of layers zero; scales of norms and PReLU keep their constants."""
    for name, parameter in module.named_parameters(recurse=False):
        if parameter.ndim > 1:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        elif name == "bias":
            nn.init.zeros_(parameter)


def _noise(shape: tuple[int, ...]) -> torch.Tensor:
    """``(PICTURES, C, h, w)``: blotches, fine grain, and a brightness per picture."""
    if len(shape) != 3:
        return torch.randn(PICTURES, *shape)
    channels, height, width = shape
    coarse = torch.randn(PICTURES, channels, max(height // 8, 2), max(width // 8, 2))
    smooth = functional.interpolate(coarse, size=(height, width), mode="bilinear")
    return smooth + 0.2 * torch.randn(PICTURES, *shape) + 0.5 * torch.randn(PICTURES, 1, 1, 1)


def _measure(network: nn.Module, batch: torch.Tensor) -> None:
    """Set running statistics to those of one batch; layers other than BatchNorm stay in inference mode."""
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = 1.0
        norm.train()
    if norms:
        network(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum

"""BatchNorm folded into the convolution before it: the same values, and one pass less over the maps.

Which norm follows which convolution is read from the graph that autograd records of one batch: a network's code need
not name its parts in any way, nor be such that it can be traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.autograd.graph import Node
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights


def fold_norms(network: nn.Module, features: Callable[[], torch.Tensor]) -> None:
    """Fold every BatchNorm that is all that becomes of a convolution's output; the others stay.

    The network's keys are not those of a checkpoint afterwards.

    Args:
        network: loaded, in inference mode.
        features: computes some batch with ``network``.
    """
    names = {module: name for name, module in network.named_modules()}
    if not any(isinstance(module, _BatchNorm) for module in names):
        return
    with torch.enable_grad():
        end = features().grad_fn
    for convolution, norm in list(_pairs(network, end)):
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            continue  # it takes those of each batch
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight, convolution.bias, mean, variance, norm.eps, norm.weight, norm.bias
        )
        network.set_submodule(names[norm], getattr(norm, "act", nn.Identity()))  # timm's norms carry the activation


def _pairs(network: nn.Module, end: Node | None) -> Iterator[tuple[nn.Conv2d, _BatchNorm]]:
    """Convolutions and the norms that alone read their outputs; each is called once, with its weight as it is."""
    weights = {id(module.weight): module for module in network.modules() if isinstance(module, nn.Conv2d | _BatchNorm)}
    readers = _readers(end)
    layers: dict[Node, nn.Module] = {}
    for leaf, nodes in readers.items():
        if hasattr(leaf, "variable") and id(leaf.variable) in weights and len(nodes) == 1:
            layers[nodes[0]] = weights[id(leaf.variable)]
    for node, norm in layers.items():
        source = node.next_functions[0][0]
        if source is None or readers[source] != [node]:
            continue
        convolution = layers.get(source)
        if isinstance(norm, _BatchNorm) and isinstance(convolution, nn.Conv2d):
            yield convolution, norm


def _readers(end: Node | None) -> dict[Node, list[Node]]:
    """Every step of the graph, and the steps that read what it gives."""
    readers: dict[Node, list[Node]] = {}
    waiting = [] if end is None else [end]
    while waiting:
        node = waiting.pop()
        for source, _ in node.next_functions:
            if source is not None:
                if source not in readers:
                    waiting.append(source)
                readers.setdefault(source, []).append(node)
    return readers

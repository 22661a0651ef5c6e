"""``scene``: pooled features of any image network of timm, of the whole picture rather than of the face."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.base import ExtractorSettings, Spec

if TYPE_CHECKING:
    import torch

# Feature dimension by architecture, so that common ones need none in the settings (tests hold it to timm).
DIMENSIONS = {
    "convnext_base": 1024,
    "convnext_small": 768,
    "convnext_tiny": 768,
    "densenet121": 1024,
    "efficientnet_b0": 1280,
    "efficientnet_b4": 1792,
    "mobilenetv3_large_100": 1280,
    "regnety_016": 888,
    "resnet18": 512,
    "resnet50": 2048,
    "resnet101": 2048,
    "swin_base_patch4_window7_224": 1024,
    "swin_tiny_patch4_window7_224": 768,
    "vit_base_patch14_dinov2": 768,
    "vit_base_patch16_224": 768,
    "vit_base_patch16_clip_224": 768,
    "vit_large_patch16_224": 1024,
    "vit_small_patch14_dinov2": 384,
    "vit_small_patch16_224": 384,
}


class Scene:
    """A frame extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``scene``; ``weights`` is required (timm's keys; the classifier in the file is not used)."""

        extractor: Literal["scene"]
        model: str = "resnet50.a1_in1k"
        """A network of timm with the tag of its weights (``convnext_tiny.fb_in22k``): the tag decides mean, deviation,
        interpolation and crop."""
        dimension: int | None = Field(None, ge=1)
        """Length of its pooled output, for networks that are not in the table of known ones."""
        size: int | None = Field(None, ge=32, le=1024)
        """Side of the network's input in pixels; the one that its weights were trained for where ``null``."""
        crop: Literal["center", "squash", "border"] | None = None
        """``center``: the middle square. ``squash``: the whole picture, its sides scaled apart. ``border``: the whole
        picture in a border of the mean colour. ``null``: what its weights were tested with, mostly ``center``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        """Raises ``ValueError`` where the dimension is neither known nor given, or given otherwise than known."""
        return Spec("visual", "frames", _dimension(settings), code=("features.visual.scene",), weights=("weights",))

    def load(self, device: torch.device) -> None:
        """Raises ``ValueError`` where timm has no such network, or its output is not of the declared dimension."""
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm, which imports torchvision

        from timm.data import create_transform, resolve_data_config  # isort: skip

        network = _network(self.settings)
        asked: dict[str, Any] = {"img_size": self.settings.size, "crop_mode": self.settings.crop}
        if self.settings.crop in ("squash", "border"):
            asked["crop_pct"] = 1.0  # less would cut the edges off again
        config = resolve_data_config(asked, model=network)
        self.transform = create_transform(**config)
        _check_dimension(network, config["input_size"], self.settings)
        classifier = network.pretrained_cfg.get("classifier") or ()
        heads = tuple(f"{name}." for name in ((classifier,) if isinstance(classifier, str) else classifier))
        own_layout = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
        self.network = load_weights(
            network,
            self.settings.weights,
            config["input_size"],
            ignored=heads,
            translate=(lambda state: own_layout(state, network)) if own_layout else None,
        ).to(device)

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """timm's own transform for evaluation, by the configuration of the weights."""
        from PIL import Image

        return self.transform(Image.fromarray(picture)).numpy()

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)


def _dimension(settings: Scene.Settings) -> int:
    known = DIMENSIONS.get(settings.model.partition(".")[0])
    if settings.dimension is None and known is None:
        raise ValueError(
            f"model '{settings.model}': its dimension is not in the table; set 'dimension' to the length of its pooled "
            "output (timm.create_model(..., num_classes=0))"
        )
    if known is not None and settings.dimension not in (None, known):
        raise ValueError(f"model '{settings.model}' gives {known} features, dimension says {settings.dimension}")
    return settings.dimension or int(known or 0)


def _network(settings: Scene.Settings) -> Any:
    """The network without its classifier, before any weights."""
    import timm

    try:
        configured = timm.get_pretrained_cfg(settings.model)
        # Only networks of a fixed input size take one when they are built; the others take pictures of any size.
        fixed = settings.size is not None and configured is not None and configured.fixed_input_size
        sized: dict[str, Any] = {"img_size": settings.size} if fixed else {}
        return timm.create_model(settings.model, pretrained=False, num_classes=0, **sized)
    except RuntimeError as error:  # timm's word for an unknown network or tag
        near = timm.list_models(f"{settings.model.partition('.')[0][:6]}*", pretrained=True)
        known = f"; timm has {', '.join(near[:5])}" if near else "; see timm.list_models()"
        raise ValueError(f"model '{settings.model}': {error}{known}") from None


def _check_dimension(network: Any, shape: tuple[int, ...], settings: Scene.Settings) -> None:
    import torch

    with torch.inference_mode():
        output = network.eval()(torch.zeros(1, *shape))
    declared = _dimension(settings)
    if output.shape != (1, declared):
        given = "x".join(map(str, output.shape[1:]))
        raise ValueError(f"model '{settings.model}' gives {given} features a picture, dimension says {declared}")

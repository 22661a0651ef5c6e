"""Every layout that the built-in corpus can be written in: one line each."""

from __future__ import annotations

from abaw_pipeline.demo import affwild2, images
from abaw_pipeline.demo.shape import Shape

SHAPES: dict[str, Shape] = {
    "affwild2": affwild2.SHAPE,
    "images": images.SHAPE,
}

"""Every layout that the built-in corpus can be written in: one line each."""

from __future__ import annotations

from abaw_pipeline.demo import affwild2, c_expr_db, hume_reaction, hume_vidmimic2, s_affwild2
from abaw_pipeline.demo.shape import Shape

SHAPES: dict[str, Shape] = {
    "affwild2": affwild2.SHAPE,
    "s_affwild2": s_affwild2.SHAPE,
    "c_expr_db": c_expr_db.SHAPE,
    "hume_reaction": hume_reaction.SHAPE,
    "hume_vidmimic2": hume_vidmimic2.SHAPE,
}

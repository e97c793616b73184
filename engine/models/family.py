"""Every model of the family by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engine.linear.matrix import Cost, Fitted
from engine.models import ease, edlae, itemknn, popularity, rp3beta, slit, trending


@dataclass(frozen=True, slots=True)
class Model:
    """The door of every model. `fit(rows, parameters, limits)` and `cost(shape, parameters, limits)` take an instance of `parameters`.

    `is_prior`: the model is a vector alone, counted in pairs that have not decayed. `needs_times`: the fit refuses rows without.
    `is_positive`: S has no negative weight. `is_symmetric`: S whole is.
    """

    parameters: type[Any]
    fit: Callable[..., Fitted]
    cost: Callable[..., Cost]
    needs_times: bool = False
    is_positive: bool = False
    is_symmetric: bool = False
    is_prior: bool = False


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "ease": Model(ease.Parameters, ease.fit, ease.cost),
        "edlae": Model(edlae.Parameters, edlae.fit, edlae.cost),
        "itemknn": Model(itemknn.Parameters, itemknn.fit, itemknn.cost, is_positive=True, is_symmetric=True),
        "popularity": Model(popularity.Parameters, popularity.fit, popularity.cost, is_positive=True, is_symmetric=True, is_prior=True),
        "rp3beta": Model(rp3beta.Parameters, rp3beta.fit, rp3beta.cost, is_positive=True),
        "slit": Model(slit.Parameters, slit.fit, slit.cost, needs_times=True),
        "trending": Model(
            trending.Parameters, trending.fit, trending.cost, needs_times=True, is_positive=True, is_symmetric=True, is_prior=True
        ),
    }
)

"""Where deep linear networks start, networks with several outputs, and who cannot train on what."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from optbench.choices import choose_one
from optbench.engine.bind import bind_parametrization
from optbench.parametrizations import PARAMETRIZATIONS, parametrization
from optbench.parametrizations.initial_layers import INITIAL_LAYERS
from optbench.registry import load_registry
from optbench.study import build_instances, make_cells

SCALE = 0.7


def layers_of(specification: str, dimension: int, seed: int = 0) -> list[np.ndarray]:
    built = parametrization(specification, dimension)
    theta = built.initial(None, np.random.default_rng(seed))
    return [theta[at : at + r * c].reshape(r, c) for at, r, c in built.layers]


@pytest.mark.parametrize(
    "options", ["widths=5x7", "widths=4x1x6,outputs=3", "widths=6x6,outputs=6"]
)
@pytest.mark.parametrize("init", ["balanced", "one_neuron"])
def test_balanced_starts(init: str, options: str) -> None:
    layers = layers_of(f"deep_linear:{options},init={init},scale={SCALE}", 36)
    for first, second in pairwise(layers):
        np.testing.assert_allclose(second.T @ second, first @ first.T, atol=1e-14)
    for layer in layers:
        values = np.linalg.svd(layer, compute_uv=False)
        assert values[0] == pytest.approx(SCALE, rel=1e-13)
        if init == "one_neuron":
            assert np.all(values[1:] < 1e-14)


def test_balanced_layers_have_the_singular_values_of_a_product() -> None:
    layers = layers_of("deep_linear:widths=9x8,outputs=6,init=balanced,scale=1", 36)
    product = np.linalg.svd(layers[2] @ layers[1] @ layers[0], compute_uv=False)
    own = [np.linalg.svd(layer, compute_uv=False)[:6] for layer in layers]
    assert np.unique(product.round(6)).size == 6  # of full rank, all different
    for values in own:
        np.testing.assert_allclose(values, product ** (1 / 3), rtol=1e-12)


def test_aligned_layers_share_singular_vectors_and_nothing_else() -> None:
    layers = layers_of(f"deep_linear:widths=6x6,outputs=6,init=aligned,scale={SCALE}", 36)
    for first, second in pairwise(layers):
        inner, outer = first @ first.T, second.T @ second
        assert np.abs(inner @ outer - outer @ inner).max() < 1e-14  # the same eigenvectors
        assert np.abs(inner - outer).max() > 0.05  # not balanced
    for layer in layers:
        values = np.linalg.svd(layer, compute_uv=False)
        assert values.min() >= SCALE / 2 and values.max() <= 1.5 * SCALE


def test_gaussian_identity_and_orthogonal_starts() -> None:
    (wide, _) = layers_of(f"deep_linear:widths=200,init=gaussian,scale={SCALE}", 300)
    # 60,000 entries: their standard deviation is known to 0.3 %
    assert np.std(wide) * np.sqrt(300) == pytest.approx(SCALE, rel=0.02)
    for layer in layers_of(f"deep_linear:widths=3x5,init=identity,scale={SCALE}", 4):
        assert np.array_equal(layer, SCALE * np.eye(*layer.shape))
    default = layers_of("deep_linear:widths=5", 4)
    named = layers_of("deep_linear:widths=5,init=orthogonal,scale=0.1", 4)
    assert all(np.array_equal(a, b) for a, b in zip(default, named, strict=True))


@pytest.mark.parametrize("init", sorted(INITIAL_LAYERS))
def test_starts_follow_the_seed(init: str) -> None:
    text = f"deep_linear:widths=5,outputs=2,init={init}"
    first, again, other = (np.concatenate([m.ravel() for m in layers_of(text, 8, seed)])
                           for seed in (3, 3, 4))  # fmt: skip
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (init == "identity")
    assert f"init={init}" in parametrization(text, 8).name or init == "orthogonal"


@pytest.mark.parametrize("widths", [(6,), (5, 1), (9, 5, 2), (1,), (4, 4, 4, 4)])
@pytest.mark.parametrize("outputs", [2, 3, 12])
def test_several_outputs(widths: tuple[int, ...], outputs: int) -> None:
    """Against matrix products and dL/dW_k = (W_L ... W_(k+1))^T G (W_(k-1) ... W_1)^T."""
    text = "x".join(map(str, widths))
    built = parametrization(f"deep_linear:widths={text},outputs={outputs}", 24)
    forward, pull_back = bind_parametrization(built)
    rng = np.random.default_rng(0)
    theta, g = rng.standard_normal((2, built.parameters)), rng.standard_normal((2, 24))
    w, gradient = np.full((2, 24), np.nan), np.full(theta.shape, np.nan)
    scratch = np.full((2, built.scratch), 7.0)
    forward(theta, built.layers, scratch, w)
    pull_back(theta, built.layers, scratch, g, gradient)
    for run in range(2):
        matrices = [theta[run, at : at + r * c].reshape(r, c) for at, r, c in built.layers]
        before = [np.eye(24 // outputs)]
        for matrix in matrices:
            before.append(matrix @ before[-1])
        after = [np.eye(outputs)]
        for matrix in reversed(matrices):
            after.append(after[-1] @ matrix)
        after = after[-2::-1]
        slope = g[run].reshape(outputs, -1)
        expected = [s.T @ slope @ q.T for s, q in zip(after, before[:-1], strict=True)]
        # sums of at most 24 products of numbers around 1
        np.testing.assert_allclose(w[run], before[-1].ravel(), rtol=1e-11, atol=1e-12)
        joined = np.concatenate([matrix.ravel() for matrix in expected])
        np.testing.assert_allclose(gradient[run], joined, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_who_cannot_train_is_told_why(name: str) -> None:
    registry = load_registry()
    (built,) = build_instances(registry, "linear_regression:data=gaussian,n=4,d=8", 1)
    choices = [choose_one(registry, text) for text in
               ("gradient_descent", "automatic_gradient_descent", "natural_gradient")]  # fmt: skip
    plain, automatic, natural = (cell.skip for cell in make_cells(built, choices, [name]))
    assert plain is None
    matrices = name in ("linear", "deep_linear")
    assert automatic == (None if matrices else
                         f"needs weight matrices; the {name} parametrization has none")  # fmt: skip
    assert natural is None

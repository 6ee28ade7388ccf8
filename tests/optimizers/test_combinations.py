"""Schedules, clipping and weight decay around any kernel, run by the engine: against optax, against
torch's schedulers, and against formulas."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from optbench import UserError, run
from optbench.check.kernels import compiled_path
from optbench.choices import Choice, choose_all, choose_one
from optbench.contract import combine, options_of
from optbench.contract.combinations import OPTIONS
from optbench.engine.combinations import combination_source
from optbench.instance import Instance
from optbench.losses import squared_error
from optbench.registry import load_registry
from optbench.rehearsal.effects import effective_options
from optbench.rehearsal.plain import plain_path
from optbench.rehearsal.quadratic import Quadratic
from optbench.runs import RunResult, RunSpec, hyper_values, run_all
from optbench.schedules import FACTORS

HORIZON = 100
STEPS = tuple(range(HORIZON + 1))
FEATURES = np.random.default_rng(0).standard_normal((9, 5))
TARGETS = 10.0 * np.random.default_rng(1).standard_normal(9)
INSTANCE = Instance(
    problem="test",
    name="least squares",
    features=FEATURES,
    targets=TARGETS,
    kind="regression",
    row=squared_error,
    scale=1.0 / 9,
)
# our name and options, the rate, and the same in optax
SCHEDULES = {
    "cosine": lambda o, rate: o.cosine_decay_schedule(rate, HORIZON),
    "linear": lambda o, rate: o.linear_schedule(rate, 0.0, HORIZON),
    "inverse_sqrt": lambda o, rate: lambda count: rate / (count + 1.0) ** 0.5,
    "warmup_cosine": lambda o, rate: warmed(o, rate, 10, o.cosine_decay_schedule(rate, 90)),
    "wsd": lambda o, rate: warmed(
        o,
        rate,
        10,
        o.join_schedules([o.constant_schedule(rate), o.linear_schedule(rate, 0.0, 20)], [70]),
    ),
    "constant,warmup=0.2": lambda o, rate: warmed(o, rate, 20, o.constant_schedule(rate)),
    "linear,warmup=0.25": lambda o, rate: warmed(o, rate, 25, o.linear_schedule(rate, 0.0, 75)),
}


def warmed(optax, rate: float, steps: int, after: Callable[[int], float]):
    """A warm-up from rate / steps to the rate, which its last step has."""
    first = optax.linear_schedule(rate / steps, rate, steps - 1)
    return optax.join_schedules([first, after], [steps])


def choice(text: str) -> Choice:
    return choose_one(load_registry(), text)


def ended(text: str, horizon: int = HORIZON, **facts) -> RunResult:
    made = choice(text)
    values = hyper_values(made.optimizer, made.fixed)
    from optbench.parametrizations import parametrization

    linear = parametrization("linear", 5)
    spec = RunSpec(INSTANCE, linear, made.optimizer, values, horizon, steps=STEPS, **facts)
    return run_all([spec])[0]


def path(text: str) -> np.ndarray:
    """Theta after each step, as the engine runs it."""
    steps, w = ended(text).snapshots
    assert steps.tolist() == list(STEPS)
    return w[1:]


def gradient(theta: np.ndarray) -> np.ndarray:
    return FEATURES.T @ (FEATURES @ theta - TARGETS) / 9.0


def optax_path(rule) -> np.ndarray:
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    jax.config.update("jax_enable_x64", True)
    theta = jax.numpy.zeros(5)
    state, found = rule.init(theta), []
    for _ in range(HORIZON):
        updates, state = rule.update(jax.numpy.asarray(gradient(np.asarray(theta))), state, theta)
        theta = optax.apply_updates(theta, updates)
        found.append(np.asarray(theta))
    return np.array(found)


def torch_path(make_rule, make_schedule) -> np.ndarray:
    torch = pytest.importorskip("torch")
    theta = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    rule = make_rule(torch, [theta])
    schedule, found = make_schedule(torch.optim.lr_scheduler, rule), []
    for _ in range(HORIZON):
        theta.grad = torch.from_numpy(gradient(theta.detach().numpy()))
        rule.step()
        schedule.step()
        found.append(theta.detach().numpy().copy())
    return np.array(found)


def assert_same_path(ours: np.ndarray, theirs: np.ndarray) -> None:
    # a hundred steps of a few roundings each of numbers of order 10, contracting
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_of_gradient_descent_are_those_of_optax(name: str) -> None:
    optax = pytest.importorskip("optax")
    pytest.importorskip("jax").config.update("jax_enable_x64", True)
    ours, schedule = path(f"gradient_descent[learning_rate=0.2,schedule={name}]"), SCHEDULES[name]
    rule = optax.sgd(lambda count: schedule(optax, 0.2)(count.astype(float)))  # int32 by float32
    assert_same_path(ours, optax_path(rule))


def test_clipped_adam_with_a_cosine_is_the_chain_of_optax() -> None:
    optax = pytest.importorskip("optax")
    pytest.importorskip("jax").config.update("jax_enable_x64", True)
    rule = optax.chain(
        optax.clip_by_global_norm(3.0),
        optax.adam(optax.cosine_decay_schedule(0.3, HORIZON), 0.9, 0.999, 0.01),
    )
    ours = path("adam[learning_rate=0.3,eps=0.01,schedule=cosine,clip=3]")
    assert_same_path(ours, optax_path(rule))
    assert not np.allclose(ours, path("adam[learning_rate=0.3,eps=0.01,schedule=cosine]"))


def test_adam_with_decoupled_decay_is_adamw_of_torch() -> None:
    theirs = torch_path(
        lambda torch, theta: torch.optim.AdamW(theta, lr=0.1, eps=0.01, weight_decay=0.3),
        lambda schedules, rule: schedules.SequentialLR(
            rule,
            [
                schedules.LinearLR(rule, 0.1, 1.0, total_iters=9),
                schedules.CosineAnnealingLR(rule, 90),
            ],
            [10],
        ),
    )
    ours = "adam[learning_rate=0.1,eps=0.01,schedule=warmup_cosine,weight_decay=0.3]"
    assert_same_path(path(ours), theirs)
    # an optimizer with a hyperparameter of that name keeps it
    own = "adamw[learning_rate=0.1,eps=0.01,schedule=warmup_cosine,weight_decay=0.3]"
    assert_same_path(path(own), theirs)


def test_the_schedulers_of_torch() -> None:
    pairs = {
        "cosine": lambda s, rule: s.CosineAnnealingLR(rule, HORIZON),
        "linear": lambda s, rule: s.LinearLR(rule, 1.0, 0.0, total_iters=HORIZON),
        "inverse_sqrt": lambda s, rule: s.LambdaLR(rule, lambda done: (done + 1.0) ** -0.5),
    }
    for name, schedule in pairs.items():
        theirs = torch_path(lambda torch, theta: torch.optim.SGD(theta, 0.1, 0.9), schedule)
        assert_same_path(
            path(f"heavy_ball[learning_rate=0.1,momentum=0.9,schedule={name}]"), theirs
        )


def test_everything_at_once_by_its_formula() -> None:
    ours = path("heavy_ball[learning_rate=0.1,momentum=0.5,schedule=linear,clip=2,weight_decay=1]")
    theta, velocity = np.zeros(5), np.zeros(5)
    for step, found in enumerate(ours, 1):
        g = gradient(theta)
        rate = 0.1 * (1.0 - (step - 1.0) / HORIZON)
        theta = (1.0 - rate * 1.0) * theta
        velocity = 0.5 * velocity + g * min(1.0, 2.0 / np.linalg.norm(g))
        theta = theta - rate * velocity
        np.testing.assert_allclose(found, theta, rtol=0, atol=1e-12)


def test_the_recorded_gradient_is_the_true_one() -> None:
    found = ended("gradient_descent[learning_rate=0.1,clip=0.01]")
    norms = [np.linalg.norm(gradient(w)) for w in found.snapshots[1]]
    np.testing.assert_allclose(np.exp(found.log_gradient_norm), norms, rtol=1e-12)
    lengths = np.linalg.norm(np.diff(found.snapshots[1], axis=0), axis=1)
    np.testing.assert_allclose(lengths, 0.1 * 0.01, rtol=1e-9)


def test_clipping_bears_gradients_whose_squares_overflow() -> None:
    from optbench.engine.combinations import clip_gradient

    huge, clipped = np.array([3e200, -4e200]), np.zeros(2)
    with np.errstate(over="ignore"):
        clip_gradient(huge, clipped, 10.0)
    np.testing.assert_allclose(clipped, [6.0, -8.0], rtol=1e-15)
    clip_gradient(np.array([3.0, np.nan]), clipped, 1.0)
    assert np.isnan(clipped[1])


@pytest.mark.parametrize("name", ["heavy_ball", "sign_descent", "stochastic_gradient_descent"])
@pytest.mark.parametrize("power", [300, -300])
def test_no_unit_of_the_objective_changes_a_combination(name: str, power: int) -> None:
    """Degrees of clip and weight_decay: what the log domain rests on."""
    plain = load_registry().optimizer(name)
    combined = combine(plain, "wsd", {"clip": 0.5, "weight_decay": 0.2})
    expected = compiled_path(combined, Quadratic()).theta
    np.testing.assert_array_equal(compiled_path(combined, Quadratic(power)).theta, expected)
    assert not np.array_equal(expected, compiled_path(plain, Quadratic()).theta)


@pytest.mark.parametrize("schedule", FACTORS)
def test_factors_are_at_most_1_and_not_negative(schedule: str) -> None:
    for horizon in (1, 2, 3, 10, 1001):
        for warmup, cooldown in ((0.0, 0.0), (0.1, 0.2), (1.0, 0.0), (0.0, 1.0), (0.5, 0.5)):
            factors = [
                FACTORS[schedule](step, horizon, warmup, cooldown)
                for step in range(1, 2 * horizon + 2)
            ]
            assert min(factors) >= 0.0 and max(factors) <= 1.0
            assert factors[0] > 0.0  # a run whose first step is none would have come to rest


def test_without_options_not_a_line_is_another() -> None:
    for optimizer in load_registry().optimizers.values():
        assert combination_source(optimizer, False, lambda *_: "") == ([], {})
        assert combine(optimizer) is optimizer


def test_interrupted_it_is_resumed_to_the_same_bits() -> None:
    whole = ended("adam[learning_rate=0.1,schedule=cosine,clip=2]")
    parts = ended("adam[learning_rate=0.1,schedule=cosine,clip=2]", 100)
    from optbench.runs import prepare

    (chunk,) = prepare([parts.spec])
    for step in (0, 1, 37, 100):
        chunk.advance(step)
    assert chunk.runs.theta.tobytes() == whole.theta.tobytes()
    assert pickle.loads(pickle.dumps(chunk.runs.horizon)) == [100]


def test_it_cannot_go_on_to_another_horizon() -> None:
    found = ended("adam[learning_rate=0.1,schedule=cosine]")
    assert found.continued(HORIZON).theta.tobytes() == found.theta.tobytes()
    with pytest.raises(UserError, match=r"depend on the horizon 100; to another one it must run"):
        found.continued(200)
    free = ended("adam[learning_rate=0.1,schedule=inverse_sqrt]")
    longer = ended("adam[learning_rate=0.1,schedule=inverse_sqrt]", 200)
    assert free.continued(200).theta.tobytes() == longer.theta.tobytes()
    with pytest.raises(UserError, match="depend on the horizon"):
        ended("adam[learning_rate=0.1,schedule=inverse_sqrt,warmup=0.1]").continued(200)


def test_a_kernel_may_ask_for_the_horizon() -> None:
    from optbench import Hyper, optimizer

    @optimizer(reference="a test")
    def straight(theta, grad, step, horizon, learning_rate=Hyper(tune="log")):
        for i in range(theta.size):
            theta[i] -= learning_rate * (1.0 - (step - 1.0) / horizon) * grad[i]

    assert straight.reads_horizon
    ours = run(INSTANCE, straight, horizon=HORIZON, learning_rate=0.2, steps=STEPS)
    expected = path("gradient_descent[learning_rate=0.2,schedule=linear]")
    np.testing.assert_allclose(ours.snapshots[1][1:], expected, rtol=0, atol=1e-13)


def test_it_travels_and_is_another_optimizer() -> None:
    made = choice("adam[schedule=wsd,clip=1]").optimizer
    again = pickle.loads(pickle.dumps(made))
    assert again.identity == made.identity and again.schedule == "wsd"
    assert list(again.hypers)[-3:] == ["warmup", "cooldown", "clip"]
    texts = ("adam", "adam[clip=1]", "adam[clip=2]", "adam[schedule=wsd]", "adam[schedule=cosine]")
    assert len({choice(text).optimizer.identity for text in texts}) == len(texts)


def test_labels_say_what_was_combined() -> None:
    texts = {
        "adam[schedule=cosine]": "adam[schedule=cosine]",
        "adam[clip=1.0,beta1=0.8]": "adam[clip=1,beta1=0.8]",
        "adam[schedule=wsd,cooldown=0.5]": "adam[schedule=wsd,warmup=0.1,cooldown=0.5]",
        "adam[schedule=constant]": "adam",
    }
    choices = choose_all(load_registry(), list(texts))
    assert [each.label for each in choices] == list(texts.values())


OF_RATE = {"schedule", "warmup", "cooldown"}
# What their formulas say: they compute theta from a dual or an average; from the direction of the
# gradient, or of each layer's gradient; from a rate that was set in the first step.
_ANEW = ("dual_averaging", "hypentropy", "schedule_free_sgd")
_MIRROR = ("normalized_mirror_descent", "p_norm_mirror_descent")
_DIRECTION = ("coordinate_descent", "sign_descent", "steepest_descent", "lars")
_NORMALIZED = ("normalized_gradient_descent", "normalized_spectral_descent")
WITHOUT_EFFECT = {
    **{name: {"weight_decay"} for name in (*_ANEW, *_MIRROR)},
    **{name: {"clip"} for name in (*_DIRECTION, *_NORMALIZED)},
    "hypergradient": OF_RATE,
}


def test_options_without_an_effect_are_found_by_trying() -> None:
    for name, optimizer in load_registry().optimizers.items():
        lost = options_of(optimizer).keys() - effective_options(optimizer).keys()
        assert lost == WITHOUT_EFFECT.get(name, set()), name


def test_a_kernel_that_sets_theta_anew_in_a_helper_is_seen(tmp_path) -> None:
    """Whatever the kernel calls, and whichever way its state goes."""
    (tmp_path / "hidden.py").write_text(
        "from optbench import Hyper, Slot, optimizer\n"
        "\n"
        "def place(theta, dual):\n"
        "    for i in range(theta.size):\n"
        "        theta[i] = dual[i]\n"
        "\n"
        '@optimizer(reference="none")\n'
        "def hidden(theta, grad, step, dual=Slot(), rate=Hyper(tune='log', degree=-1)):\n"
        "    for i in range(theta.size):\n"
        "        if step == 1:\n"
        "            dual[i] = theta[i]\n"
        "        dual[i] -= rate * grad[i]\n"
        "    place(theta, dual)\n"
    )
    registry = load_registry((str(tmp_path / "hidden.py"),))
    reason = "hidden: weight_decay would have no effect: it sets theta anew from what it keeps"
    with pytest.raises(UserError, match=reason):
        choose_one(registry, "hidden[weight_decay=0.1]")
    assert choose_one(registry, "hidden[schedule=cosine]").optimizer.reads_horizon


@pytest.mark.parametrize("name", ["heavy_ball", "sharpness_aware", "rmsprop"])
def test_combinations_in_plain_python_are_those_of_the_engine(name: str) -> None:
    """What effects are tried with is what runs."""
    plain = load_registry().optimizer(name)
    values = {"clip": 0.5} if name == "heavy_ball" else {}
    combined = combine(plain, "wsd", {**values, "weight_decay": 0.2})
    ours, theirs = (each(combined, Quadratic()).theta for each in (plain_path, compiled_path))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_every_optimizer_with_a_learning_rate_has_the_options() -> None:
    registry = load_registry()
    assert set(options_of(registry.optimizer("adam"))) == set(OPTIONS)
    assert "weight_decay" not in options_of(registry.optimizer("adamw"))
    assert "clip" not in options_of(registry.optimizer("natural_gradient"))
    assert options_of(registry.optimizer("polyak_step")) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("adam[schedule=cosin]", r"adam: schedule=cosin: unknown \(did you mean 'cosine'\?\)"),
        ("adam[clip=0]", r"adam: clip=0 must be more than 0: no gradient would be left"),
        ("adam[clip=-1]", r"adam: clip=-1 must be at least 0"),
        ("adam[clip=much]", r"adam: clip=much: must be a number"),
        ("adam[schedule=cosine,cooldown=0.1]", r"cooldown is for schedule=wsd, not schedule=cos"),
        ("adam[schedule=wsd,warmup=0.9]", r"warmup and cooldown are parts of the horizon: 1 at"),
        ("adam[warmup=2]", r"adam: warmup=2 must be at most 1"),
        ("polyak_step[schedule=cosine]", r"polyak_step: has no learning rate, so that schedule"),
        (
            "natural_gradient[clip=1]",
            r"natural_gradient: steps by more, or other, than the grad",
        ),
        (
            "hypergradient[schedule=cosine]",
            r"schedule would have no effect: no learning rate after the first one reaches its st",
        ),
        ("hypergradient[warmup=0.1]", r"hypergradient: warmup would have no effect"),
        ("sign_descent[clip=1]", r"clip would have no effect: its steps do not depend on the len"),
        ("hypentropy[weight_decay=0.1]", r"weight_decay would have no effect: it sets theta anew"),
        ("adam[shedule=cosine]", r"unknown option 'shedule' \(did you mean 'schedule'\?\)"),
    ],
)
def test_wrong_options_are_one_line(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as raised:
        choice(text)
    assert "\n" not in str(raised.value)

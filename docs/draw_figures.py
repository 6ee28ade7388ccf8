"""Draw the pictures of figures.md: ``python docs/draw_figures.py`` (about a minute)."""

from pathlib import Path

from optbench import compare
from optbench.plots import KINDS, Asked, draw, save

FOLDER = Path(__file__).parent / "images" / "figures"
INSTANCES = [
    "linear_regression:data=digits,rows=30",
    "logistic_regression:data=digits_3v8",
    "quadratic",
]
OPTIMIZERS = [
    "gradient_descent", "heavy_ball", "adam", "sign_descent", "normalized_gradient_descent",
]  # fmt: skip
MOMENTA = [f"heavy_ball[momentum={value}]" for value in (0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99)]
RATES = [round(10.0 ** (k / 4), 6) for k in range(-14, 7)]


def main() -> None:
    """Write a picture of every kind, without the numbers and captions beside it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    result = compare(INSTANCES, OPTIMIZERS, horizon=20_000, seeds=3)
    momenta = compare("linear_regression:data=gaussian,n=20,d=12", MOMENTA, horizon=2_000,
                      learning_rates=RATES)  # fmt: skip
    for kind in KINDS:
        shown = momenta if kind.name == "phase_diagram" else result
        file = FOLDER / f"{kind.name}.svg"
        save(draw(shown, kind.name, Asked("two")), file)
        for beside in (".csv", ".txt"):
            file.with_suffix(beside).unlink()


if __name__ == "__main__":
    main()

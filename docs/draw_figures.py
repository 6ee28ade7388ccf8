"""Draw the pictures of these pages: ``python docs/draw_figures.py`` (about two minutes)."""

import base64
from pathlib import Path

import jupytext
from nbclient import NotebookClient

from optbench import Comparison, compare
from optbench.plots import KINDS, Asked, draw, save

HERE = Path(__file__).parent
FOLDER = HERE / "images" / "figures"
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
    """Draw all of them."""
    draw_kinds()
    draw_front_page()
    for program in sorted((HERE / "gallery").glob("*.py")):
        draw_notebook(program)


def draw_kinds() -> None:
    """Write a picture of every kind of figure."""
    result = compare(INSTANCES, OPTIMIZERS, horizon=20_000, seeds=3)
    momenta = compare("linear_regression:data=gaussian,n=20,d=12", MOMENTA, horizon=2_000,
                      learning_rates=RATES)  # fmt: skip
    for kind in KINDS:
        shown = momenta if kind.name == "phase_diagram" else result
        _write(shown, kind.name, FOLDER / f"{kind.name}.svg")


def draw_front_page() -> None:
    """Write the picture of the README: three rows of the default comparison."""
    result = compare("logistic_regression:data=gaussian",
                     ["coordinate_descent", "gradient_descent", "sign_descent"])  # fmt: skip
    _write(result, "selection", HERE / "images" / "selection.svg")


def draw_notebook(program: Path) -> None:
    """Run a notebook, and write its first picture."""
    notebook = jupytext.read(program, fmt="py:percent")
    NotebookClient(notebook).execute()
    pictures = (
        output["data"]["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    )
    file = HERE / "images" / "gallery" / f"{program.stem}.png"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(base64.b64decode(next(pictures)))


def _write(result: Comparison, kind: str, file: Path) -> None:
    """Write a picture without the numbers and the caption beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save(draw(result, kind, Asked("two")), file)
    for beside in (".csv", ".txt"):
        file.with_suffix(beside).unlink()


if __name__ == "__main__":
    main()

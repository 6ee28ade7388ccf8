"use strict";
// One run in a dialog: choose a row of a table, or a cell of the summary.

const runs = JSON.parse(document.getElementById("data-runs").textContent);
const dialog = document.getElementById("run");

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function section(title, pairs) {
  if (!pairs.length) return [];
  const list = element("dl", undefined, "facts");
  for (const [name, value] of pairs) {
    const term = element("dt", name.replaceAll("_", " "));
    if (runs.meanings[name]) term.title = runs.meanings[name];
    list.append(term, element("dd", value));
  }
  return [element("h3", title), list];
}

function open(key) {
  const run = runs.runs[key];
  if (!run) return;
  document.getElementById("run-title").textContent = run.label;
  const body = document.getElementById("run-body");
  body.replaceChildren(
    element("p", run.place, "soft"),
    ...run.sentences.map((text) => element("p", text)));
  const box = element("div", undefined, "plot");
  if (run.figure) {
    box.tabIndex = 0;
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `${run.label}: loss gap against steps. Arrow keys move along the curve.`);
    body.append(element("h3", "Loss gap"), box);
  }
  body.append(
    ...section("Hyperparameters", run.hyperparameters),
    ...section("Which solution", run.bias),
    ...section("How fast", run.convergence));
  dialog.showModal();
  body.parentElement.scrollTop = 0;
  if (run.figure) {
    draw(box, chartOf(key, run.figure), null);
    keys(box);
  }
}

// The curve of this run in front of those of its other learning rates, all from the same figure.
function chartOf(key, figure) {
  const chart = figures[figure][0];
  const own = chart.series.filter((each) => each.run === key);
  const others = (runs.others[key] ?? []).map((each) => ({ ...each, color: own[0]?.color ?? "#777777", thin: true }));
  return { ...chart, series: [...others, ...own] };
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) return void copyFrom(copy);
  if (event.target.closest("[data-close]")) return void dialog.close();
  const chosen = event.target.closest("[data-run]");
  if (chosen && !getSelection().toString()) {
    event.preventDefault();
    open(chosen.dataset.run);
  }
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});

function copyFrom(button) {
  const source = button.previousElementSibling, range = document.createRange();
  range.selectNodeContents(source);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  const said = document.execCommand("copy"); // navigator.clipboard needs https, and this is a file
  button.textContent = said ? "Copied" : "Selected: press Ctrl-C";
}

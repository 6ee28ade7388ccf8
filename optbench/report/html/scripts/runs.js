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

// `rate` is the row of the table of learning rates that was chosen, if it was one.
function open(key, rate) {
  const run = runs.runs[key];
  if (!run) return;
  const ofWinner = rate ? ": the rate that won" : "";
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
    body.append(element("h3", rate ? `Loss gap of learning rate ${rate.text}, before the others` : "Loss gap"), box);
  }
  body.append(
    ...section("This learning rate", rate?.pairs ?? []),
    ...section(`Hyperparameters${ofWinner}`, run.hyperparameters),
    ...section(`Which solution${ofWinner}`, run.bias),
    ...section(`How fast${ofWinner}`, run.convergence));
  dialog.showModal();
  body.parentElement.scrollTop = 0;
  if (run.figure) {
    draw(box, chartOf(key, run.figure, rate), null);
    keys(box);
  }
}

// The curve of this run, or of the rate that was chosen, before those of its other learning rates.
function chartOf(key, figure, rate) {
  const chart = figures[figure][0];
  const own = chart.series.filter((each) => each.run === key);
  const color = own[0]?.color ?? "#777777";
  const others = (runs.others[key] ?? []).map((each) => ({ ...each, color }));
  const chosen = others.filter((each) => each.rate === rate?.number).map((each) => ({ ...each, color: "#000000" }));
  const front = chosen.length ? chosen : own;
  const behind = [...others, ...own].filter((each) => !own.includes(each) || chosen.length);
  return { ...chart, series: [...behind.map((each) => ({ ...each, low: undefined, thin: true })), ...front] };
}

// What the row of a table of learning rates says.
function rateOf(row) {
  const table = row?.closest("table");
  if (!table || !longTables[table.id]) return undefined;
  const heads = [...table.tHead.rows[0].cells], place = heads.findIndex((head) => head.textContent === "learning rate");
  const pairs = heads.map((head, i) => [head.textContent, row.cells[i].dataset.order ?? row.cells[i].textContent]);
  return {
    text: row.cells[place].textContent,
    number: Number(row.cells[place].dataset.order),
    pairs: pairs.filter(([, value]) => value !== "nan" && value !== ""),
  };
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) return void copyFrom(copy);
  if (event.target.closest("[data-close]")) return void dialog.close();
  const chosen = event.target.closest("[data-run]");
  if (chosen && !getSelection().toString()) {
    event.preventDefault();
    open(chosen.dataset.run, rateOf(chosen));
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

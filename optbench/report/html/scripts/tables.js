"use strict";
// Tables: sorted, searched and paged by DataTables; a filter for each column on request.

const PAGE = 50; // rows shown at once

// Numbers, of which those that are not there come last in both directions.
function missingLast(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return a === b ? 0 : sign * (a < b ? -1 : 1);
}
Object.assign(DataTable.ext.type.order, {
  "measured-pre": Number,
  "measured-asc": (a, b) => missingLast(a, b, 1),
  "measured-desc": (a, b) => missingLast(a, b, -1),
});

// "< 1000", ">= 0.9" or "1e3" for numbers, part of the text for others.  A number that is not there
// is in no such range; one that no run reached is above every bound.
function filterOf(given, isNumber) {
  const found = isNumber && given.match(/^\s*(<=|>=|<|>|=)?\s*(-?)(\d[\d,]*\.?\d*(?:e[+-]?\d+)?|\.\d+|inf)\s*$/i);
  if (!found) {
    const wanted = given.trim().toLowerCase();
    return (cell) => cell.text.toLowerCase().includes(wanted);
  }
  const size = /inf/i.test(found[3]) ? Infinity : Number(found[3].replaceAll(",", ""));
  const bound = found[2] ? -size : size;
  const compare = {
    "<": (value) => value < bound,
    "<=": (value) => value <= bound,
    ">": (value) => value > bound,
    ">=": (value) => value >= bound,
    "=": (value) => value === bound,
  }[found[1] ?? "="];
  return (cell) => compare(Number(cell.order));
}

// Long tables come as data, and only the rows of a page become elements.
const longTables = JSON.parse(document.getElementById("data-rows").textContent);
const unpacked = (cell) => (typeof cell === "string" ? [cell, cell] : cell);

function cellOf(table, at, index) {
  const data = longTables[table.table().node().id];
  if (data) {
    const [text, order] = unpacked(data[at][index + 1]);
    return { text, order };
  }
  const node = table.cell(at, index).node();
  return { text: node.textContent, order: node.dataset.order };
}

// The columns and rows of a long table; texts are escaped, for DataTables takes them for HTML.
function optionsOf(rows, heads) {
  const escaped = DataTable.render.text().display;
  return {
    data: rows,
    columns: heads.map((head, index) => ({
      data: index + 1,
      render: (cell, type) => {
        const [text, order] = unpacked(cell);
        return type === "display" ? escaped(text) : type === "filter" ? text : order;
      },
      createdCell: (node, cell) => {
        const [text, order, tone] = unpacked(cell), isNumber = "number" in head.dataset;
        if (isNumber) node.dataset.order = order;
        const kinds = [index ? "" : "name", isNumber ? "number" : "", tone ?? ""];
        node.className = kinds.filter(Boolean).join(" ");
        if (!index) node.replaceChildren(buttonFor(text));
      },
    })),
    createdRow: (node, row) => {
      node.className = "choosable";
      node.dataset.run = row[0];
    },
  };
}

function buttonFor(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "run";
  button.textContent = text;
  button.setAttribute("aria-haspopup", "dialog");
  return button;
}

function addFilters(table, element) {
  const row = document.createElement("tr");
  row.className = "filters";
  row.hidden = true;
  table.columns().every(function () {
    const index = this.index(), head = this.header(), isNumber = "number" in head.dataset;
    const cell = document.createElement("td"), input = document.createElement("input");
    const name = head.textContent.trim();
    input.type = "search";
    input.setAttribute("aria-label", `Filter ${name}`);
    input.placeholder = isNumber ? "e.g. < 100" : "contains";
    input.addEventListener("input", () => {
      const keep = filterOf(input.value, isNumber);
      const rule = (text, row, at) => keep(cellOf(table, at, index));
      this.search(input.value.trim() ? rule : "").draw();
    });
    cell.append(input);
    row.append(cell);
  });
  element.tHead.append(row);
  return row;
}

function toggleFor(row) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "Filter columns";
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    row.hidden = !row.hidden;
    button.setAttribute("aria-expanded", String(!row.hidden));
    if (!row.hidden) row.querySelector("input").focus();
  });
  return button;
}

function sortable(element) {
  if (element.dataset.ready) return;
  element.dataset.ready = "yes";
  const heads = [...element.tHead.rows[0].cells];
  const numbers = heads.flatMap((head, i) => ("number" in head.dataset ? [i] : []));
  const rows = longTables[element.id];
  const long = (rows ?? element.tBodies[0].rows).length > PAGE;
  const frame = element.parentElement, above = document.createElement("div");
  above.className = "dt-layout-row";
  frame.before(above);
  const table = new DataTable(element, {
    ...(rows ? optionsOf(rows, heads) : {}),
    autoWidth: false,
    order: [],
    paging: long,
    pageLength: PAGE,
    lengthChange: false,
    columnDefs: [{ targets: numbers, type: "measured" }, { targets: "_all", orderSequence: ["asc", "desc", ""] }],
    layout: { topStart: null, topEnd: null, bottomStart: "info", bottomEnd: long ? "paging" : null },
    language: { info: "_TOTAL_ rows", infoEmpty: "no row", infoFiltered: "of _MAX_", zeroRecords: "No row is left: the filters match none." },
  });
  const label = document.createElement("label"), search = document.createElement("input");
  search.type = "search";
  search.placeholder = "any column";
  search.addEventListener("input", () => table.search(search.value).draw());
  label.className = "dt-search";
  label.append("Search ", search);
  above.append(label, toggleFor(addFilters(table, element)));
}

const allTables = [...document.querySelectorAll("table[data-sortable]")];
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      sortable(entry.target);
      near.unobserve(entry.target);
    }
  }
}, { rootMargin: "400px" });
allTables.forEach((table) => near.observe(table));

// All digits of a number, under the pointer.
document.addEventListener("mouseover", (event) => {
  const cell = event.target.closest?.("td[data-order]:not([title])");
  if (cell && cell.textContent !== "-") cell.title = cell.dataset.order;
});

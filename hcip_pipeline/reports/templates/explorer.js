// The explorer's own script: shows rows of the page's data as a table (Tabulator) and a chart (Plot).
// Every figure is a whole number in the page's data; this script only formats it.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const MINUS = "\u2212", NOTHING = "\u2013";
const VIEWS = [["lines", "Service lines"], ["centers", "Cost centers"], ["partners", "Care partners"]];

function grouped(digits) { return digits.replace(/\B(?=(\d{3})+$)/g, ","); }
function fixed(units, places, before, after, plus) {
  const text = String(Math.abs(units)).padStart(places + 1, "0");
  const whole = grouped(text.slice(0, text.length - places));
  const sign = units < 0 ? MINUS : plus && units > 0 ? "+" : "";
  return sign + before + whole + (places ? "." + text.slice(text.length - places) : "") + after;
}
const FORMATS = {
  text: value => value,
  count: value => fixed(value, 0, "", ""),
  tenths: value => fixed(value, 1, "", ""),
  dollars: value => fixed(value, 0, "$", ""),
  signed: value => fixed(value, 0, "$", "", true),
  money: value => fixed(value, 2, "$", ""),
  percent: value => fixed(value, 1, "", "%", true),
  percent_plain: value => fixed(value, 1, "", "%"),
};
function shown(value, kind) { return value === null ? NOTHING : FORMATS[kind](value); }

function named(kind, row, skip) {
  return Object.fromEntries(data.columns[kind].map(([field], at) => [field, row[at + skip]]));
}
function person(row) { return [...data.people[row[0]], ...row.slice(1)]; }
function ownCells(keep) {
  return data.own_cells.map(person).filter(keep)
    .map(([name, npi, ...rest]) => ({ npi, ...named("own_cells", [name, ...rest], 0) }));
}
function casesOf(npi, drg, soi) {
  return data.cases.filter(row => data.people[row[0]][1] === npi).map(row => {
    const [apr, severity, norm, p75] = data.norm_cells[row[1]];
    return named("cases", [data.people[row[0]][0], apr, severity, row[2], row[3], norm, p75, row[4], row[5]], 0);
  }).filter(row => !drg || (row.apr_drg === drg && row.severity === soi));
}
function nameOf(npi) { return (data.people.find(row => row[1] === npi) || [npi])[0]; }

// The content for a state: a heading, rows of one kind, a chart, and the state that each row leads to.
function place(state) {
  const { view, line, drg, soi, npi, center } = state;
  if (npi && (drg || view === "cases")) return {
    heading: `Cases of ${nameOf(npi)}${drg ? ` in ${drg}-${soi}` : ""}`,
    note: `In ${data.year} dollars, without account numbers. Performance share: 100% at or below best practice, 0% at or above the 75th percentile${data.is_gated ? "; cases of a kind for which the physician's mean is above the 75th percentile earn nothing, regardless of their share" : ""}. In the chart, the solid line is best practice and the dashed line is the 75th percentile.`,
    kind: "cases", rows: casesOf(npi, drg, soi), chart: drg ? () => cellChart(drg, soi, npi) : null,
  };
  if (npi) return {
    heading: `${nameOf(npi)}, by APR-DRG and severity`, note: "Largest opportunity first. Above best practice adds up the excess of the cases that cost more than best practice. To best practice, under Care partners, counts all cases together, at the variable part of the cost.",
    kind: "own_cells", rows: ownCells(row => row[1] === npi),
    next: row => ({ view, npi, drg: row.apr_drg, soi: row.severity }),
  };
  if (drg) return {
    heading: `Care partners in APR-DRG ${drg}, severity ${soi}`,
    note: "Each dot is a physician. The solid line is best practice and the dashed line is the 75th percentile. The norm's physicians are from the base year and are shown without names.",
    kind: "own_cells", rows: ownCells(row => row[2] === drg && row[3] === soi), chart: () => cellChart(drg, soi, null),
    next: row => ({ view, line, drg, soi, npi: row.npi }),
  };
  if (view === "partners") return {
    heading: "Care partners", note: "Compared with the state: this half-year's cases. Compared with the norm: the base year's cases. To best practice: all cases together, net of those below best practice, at the variable part of the cost.",
    kind: "partners", rows: data.partners.map(row => named("partners", row, 0)),
    next: row => ({ view, npi: row.npi }),
  };
  if (view === "centers") return {
    heading: center ? `${center}, by service line` : "Cost centers", note: "Compared with the statewide mean of this half-year.",
    kind: "centers",
    rows: data.centers.filter(row => center ? row[1] === center && row[0] !== "ALL" : row[0] === "ALL")
      .map(row => ({ ...named("centers", row, 1), ...(center ? { center: row[0] } : {}) })),
    heads: center ? { center: "Service line" } : {},
    chart: rows => differences(rows, "center"), next: center ? null : row => ({ view, center: row.center }),
  };
  if (line) return {
    heading: `${line}, by APR-DRG and severity`, note: "Select a severity to see its care partners and the norm's physicians.",
    kind: "cells", rows: data.cells.filter(row => row[0] === line).map(row => named("cells", row, 1)),
    next: row => row.severity === "all" ? null : { view, line, drg: row.apr_drg, soi: row.severity },
  };
  return {
    heading: "Service lines", note: "Compared with the statewide mean of this half-year. To best practice: the variable part of the cost above best practice.",
    kind: "lines",
    rows: [...data.lines, ...(data.institution ? [data.institution] : [])].map(row => named("lines", row, 0)),
    chart: rows => differences(rows.filter(row => row.line !== "Institution"), "line"),
    next: row => row.line === "Institution" ? null : { view: "lines", line: row.line },
  };
}

function trail(state) {
  const steps = [[VIEWS.find(([view]) => view === state.view)[1], { view: state.view }]];
  if (state.line) steps.push([state.line, { view: state.view, line: state.line }]);
  if (state.center) steps.push([state.center, { view: state.view, center: state.center }]);
  const cell = state.drg && [`${state.drg}-${state.soi}`, { ...state, npi: undefined }];
  const who = state.npi && [nameOf(state.npi), state.view === "partners" ? { view: "partners", npi: state.npi } : state];
  for (const step of state.view === "partners" ? [who, cell] : [cell, who]) if (step) steps.push(step);
  return steps;
}

// Colors are the page's CSS variables, so they adapt to dark screens and paper without redrawing.
const color = name => `var(${name})`;
function differences(rows, field) {
  const known = rows.filter(row => row.difference !== null);
  if (!known.length) return null;
  return Plot.plot({
    ariaLabel: "Difference from the state in dollars", width: Math.min(900, innerWidth - 30), marginLeft: 170, marginRight: 20,
    height: 70 + known.length * 20, marginBottom: 45, style: { color: "inherit", background: "none", fontSize: "12px" },
    x: { label: "Difference from the state, dollars", grid: true, tickFormat: "$~s", ticks: innerWidth > 700 ? 6 : 2 },
    y: { label: null, tickFormat: text => text.length > 26 ? text.slice(0, 25) + "…" : text },
    marks: [
      Plot.barX(known, {
        x: "difference", y: field, sort: { y: "x", reverse: true },
        fill: row => row.difference > 0 ? color("--bad") : color("--good"),
      }),
      Plot.ruleX([0], { stroke: "currentColor" }),
    ],
  });
}
function cellChart(drg, soi, npi) {
  const norm = data.dots[`${drg}-${soi}`];
  const own = ownCells(row => row[2] === drg && row[3] === soi);
  const of = ["Norm's physicians", "Care partners here", ...(npi ? [`Cases of ${nameOf(npi)}`] : [])];
  const dots = [];
  if (norm) for (const mean of norm[2]) dots.push({ x: mean / norm[0], of: of[0], title: `${shown(mean, "money")}, ${data.base_year} dollars` });
  for (const row of own) dots.push({ x: row.mean_cost / row.best_practice, of: of[1], title: `${row.name}: ${shown(row.mean_cost, "dollars")} for ${row.cases} ${row.cases === 1 ? "case" : "cases"}` });
  if (npi) for (const row of casesOf(npi, drg, soi)) dots.push({ x: row.cost / row.best_practice, of: of[2], title: shown(row.cost, "money") });
  if (!dots.length) return null;
  return Plot.plot({
    ariaLabel: `Mean cost of physicians divided by best practice in ${drg}-${soi}`, width: Math.min(900, innerWidth - 30),
    height: 80 + of.length * (npi ? 46 : 90), marginTop: npi ? 20 : 40, marginRight: 60, marginBottom: 45, marginLeft: 150, style: { color: "inherit", background: "none", fontSize: "12px" },
    x: { label: "Cost ÷ best practice of the same year (1 is best practice)", grid: true }, y: { label: null, domain: of },
    marks: [
      Plot.ruleX([1], { stroke: color("--best"), strokeWidth: 2 }),
      ...(norm && norm[1] !== null ? [Plot.ruleX([norm[1] / norm[0]], { stroke: color("--norm"), strokeWidth: 2, strokeDasharray: "4 3" })] : []),
      Plot.dot(dots, { x: "x", y: "of", r: 4, fill: color("--own"), fillOpacity: 0.55, stroke: color("--own"), title: "title", className: "dots" }),
      ...(npi ? [] : [Plot.text(dots.filter(dot => dot.of === of[1]), { x: "x", y: "of", dy: -8, dx: 3, rotate: -35, textAnchor: "start", text: dot => dot.title.split(":")[0], fontSize: 10, fill: "currentColor" })]),
    ],
  });
}

let table = null;
function go(state) { location.hash = encodeURIComponent(JSON.stringify(state)); }
function here() {
  try {
    const state = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    if (VIEWS.some(([view]) => view === state.view)) return state;
  } catch { /* the first view */ }
  return { view: "lines" };
}
function button(text, run, current) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (current) made.setAttribute("aria-current", "true");
  made.addEventListener("click", run);
  return made;
}
function columnsOf(now) {
  return data.columns[now.kind].map(([field, title, kind], at) => ({
    field, title: (now.heads || {})[field] || title, headerSort: true, headerSortTristate: true,
    hozAlign: kind === "text" ? "left" : "right", headerHozAlign: kind === "text" ? "left" : "right",
    headerWordWrap: true, minWidth: { money: 124, count: 84, text: 64 }[kind] || 108, widthGrow: at === 0 ? 3 : kind !== "text" || ["apr_drg", "severity"].includes(field) ? 1 : 2, variableHeight: kind === "text",
    sorter: kind === "text" ? "string" : "number", sorterParams: { alignEmptyValues: "bottom" },
    formatter(cell) {
      const text = shown(cell.getValue(), kind), to = at === 0 && now.next ? now.next(cell.getData()) : at === 1 && now.kind === "cells" ? now.next(cell.getData()) : null;
      if (to) return button(text, () => go(to), false);
      const made = document.createElement("span");
      made.textContent = text;
      return made;
    },
  }));
}
let drawnFor = 0;
function draw(now) {
  const chart = document.getElementById("chart"), drawn = now.chart ? now.chart(now.rows) : null;
  drawnFor = innerWidth;
  chart.hidden = !drawn;
  chart.replaceChildren(...(drawn ? [drawn] : []));
  if (drawn) {
    drawn.setAttribute("role", "img");
    for (const part of drawn.querySelectorAll("g[aria-label]")) part.removeAttribute("aria-label");
  }
}
function show() {
  const state = here(), now = place(state);
  document.getElementById("views").replaceChildren(...VIEWS.map(([view, name]) => button(name, () => go({ view }), view === state.view)));
  document.getElementById("trail").replaceChildren(...trail(state).map(([name, to], at, all) => button(name, () => go(to), at === all.length - 1)));
  document.getElementById("heading").textContent = now.heading;
  document.getElementById("note").textContent = now.note;
  draw(now);
  document.getElementById("filter").value = "";
  if (table) table.destroy();
  table = new Tabulator("#table", {
    data: now.rows, columns: columnsOf(now), layout: innerWidth > 700 ? "fitColumns" : "fitData", renderVertical: "basic", renderHorizontal: "basic",
    placeholder: "No rows", columnDefaults: { tooltip: false },
  });
  table.on("dataFiltered", (_, rows) => { document.getElementById("shown").textContent = `${rows.length} of ${now.rows.length} ${now.rows.length === 1 ? "row" : "rows"}`; });
  table.on("tableBuilt", () => {
    document.querySelector("#table .tabulator-tableholder").removeAttribute("tabindex"); // its buttons are focusable
    document.getElementById("shown").textContent = `${now.rows.length} ${now.rows.length === 1 ? "row" : "rows"}`;
  });
}
document.getElementById("filter").addEventListener("input", event => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean), kinds = data.columns[place(here()).kind];
  table.setFilter(row => {
    const text = kinds.map(([field, , kind]) => shown(row[field], kind)).join(" ").toLowerCase();
    return words.every(word => text.includes(word));
  });
});
addEventListener("hashchange", show);
addEventListener("resize", () => { if (innerWidth !== drawnFor) draw(place(here())); }); // such as a phone being rotated
show();
